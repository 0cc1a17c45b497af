/*
 * What the libraries of a newer GCC take from glibc that an old one does not have. Linked into the prebuilt binaries;
 * hidden, so that nothing else in the process gets it from here.
 */
#define _GNU_SOURCE
#include <link.h>
#include <stdint.h>

#if defined(__x86_64__)
#define FIRST_VERSION "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define FIRST_VERSION "GLIBC_2.17"
#endif

#define HIDDEN __attribute__((visibility("hidden")))

/* glibc 2.32. False: there may be other threads, so that counts of shared owners are changed atomically. */
HIDDEN char __libc_single_threaded = 0;

/* glibc 2.29 has a pow() that leaves errno alone, beside the one that all have. */
__asm__(".symver firstPow, pow@" FIRST_VERSION);
double firstPow(double base, double exponent);
HIDDEN double pow(double base, double exponent) { return firstPow(base, exponent); }

/*
 * glibc 2.35, as bits/dl_find_object.h lays it out for 64-bit machines: where the unwinder finds an object's tables.
 * On ARM the first of `reserved` is the base of data, and is not used.
 */
struct dl_find_object {
  unsigned long long flags;
  void *map_start;
  void *map_end;
  struct link_map *link_map;
  void *eh_frame;
  unsigned long long reserved[7];
};

struct search {
  uintptr_t address;
  struct dl_find_object *found;
};

static int isIn(struct dl_phdr_info *object, size_t size, void *data) {
  (void)size;
  struct search *search = data;
  uintptr_t ehFrame = 0, start = 0, end = 0;
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &object->dlpi_phdr[i];
    uintptr_t from = object->dlpi_addr + header->p_vaddr;
    if (header->p_type == PT_GNU_EH_FRAME) ehFrame = from;
    if (header->p_type != PT_LOAD || search->address < from || search->address >= from + header->p_memsz) continue;
    start = from;
    end = from + header->p_memsz;
  }
  if (end == 0 || ehFrame == 0) return 0;
  *search->found = (struct dl_find_object){
      .map_start = (void *)start, .map_end = (void *)end, .eh_frame = (void *)ehFrame};
  return 1;
}

HIDDEN int _dl_find_object(void *address, struct dl_find_object *found) {
  struct search search = {(uintptr_t)address, found};
  return dl_iterate_phdr(isIn, &search) == 1 ? 0 : -1;
}
