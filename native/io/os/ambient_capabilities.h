// The ambient capabilities of the calling thread: what programs that it executes get without having any of their own.
#pragma once

#include <cstdint>

namespace tunvs {

// Gives up all of them, and returns which there were: a bit for each capability.
uint64_t giveUpAmbientCapabilities();

// Takes back what giveUpAmbientCapabilities() has returned, as far as the thread still may.
void takeBackAmbientCapabilities(uint64_t capabilities);

}  // namespace tunvs
