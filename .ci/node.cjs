// Loaded into Node before a program of WebAssembly (see .ci/targets). Node 20 collects garbage while such a program runs, because its memory
// counts against a limit, and then loses track of a function that waits for the program's end: about one run in seventy ended
// with a segmentation fault after all tests had passed. Without incremental marking the collection is done when the memory is
// made, before the program runs.
require('node:v8').setFlagsFromString('--no-incremental-marking');
