#include "support/testing.h"

int main(int argc, char** argv) { return tunvs::testing::runTests(argc > 1 ? argv[1] : ""); }
