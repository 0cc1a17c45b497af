/** Reads what clang makes of the fast path's program: the instructions of section "prog", and the maps that they name. */
const RELOCATION_OF_MAP = 1; // R_BPF_64_64

const text = (bytes, at) => bytes.toString('latin1', at, bytes.indexOf(0, at));

function sectionsOf(file) {
  const at = Number(file.readBigUInt64LE(40));
  const sections = Array.from({ length: file.readUInt16LE(60) }, (_, index) => {
    const header = file.subarray(at + index * 64, at + (index + 1) * 64);
    const start = Number(header.readBigUInt64LE(24));
    const bytes = file.subarray(start, start + Number(header.readBigUInt64LE(32)));
    return { nameAt: header.readUInt32LE(0), kind: header.readUInt32LE(4), link: header.readUInt32LE(40), bytes };
  });
  const names = sections[file.readUInt16LE(62)].bytes;
  return sections.map((section) => ({ ...section, name: text(names, section.nameAt) }));
}

/** Returns `instructions` (8 bytes each, as BigInt) and `references`: the instruction's number, and the map's name. */
export function readBpfObject(file) {
  const sections = sectionsOf(file);
  const program = sections.find(({ name }) => name === 'prog').bytes;
  const instructions = Array.from({ length: program.length / 8 }, (_, index) => program.readBigUInt64LE(index * 8));
  const symbols = sections.find(({ kind }) => kind === 2);
  const names = sections[symbols.link].bytes;
  const relocations = sections.find(({ name }) => name === '.relprog').bytes;
  const references = Array.from({ length: relocations.length / 16 }, (_, index) => {
    const kind = relocations.readUInt32LE(index * 16 + 8);
    if (kind !== RELOCATION_OF_MAP) throw new Error(`bpf: a relocation of kind ${kind} is none of a map`);
    const symbol = relocations.readUInt32LE(index * 16 + 12);
    return {
      instruction: Number(relocations.readBigUInt64LE(index * 16)) / 8,
      map: text(names, symbols.bytes.readUInt32LE(symbol * 24)),
    };
  });
  return { instructions, references };
}
