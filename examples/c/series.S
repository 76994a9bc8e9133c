/* The series of ../sensor, as it is on disk. */
    .section .rodata.series
    .global series
series:
    .incbin "series.bin"
#ifdef __linux__
    .section .note.GNU-stack, "", %progbits
#endif
