/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the harness over files, without libFuzzer: a corpus as a regression test of any compiler. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "harness.h"

/* Reads a whole file into memory of exactly its size. */
static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = NULL;
    long end = -1;

    *size = 0;
    if (file == NULL) {
        return NULL;
    }
    if (fseek(file, 0, SEEK_END) == 0) {
        end = ftell(file);
    }
    if (end >= 0 && fseek(file, 0, SEEK_SET) == 0) {
        *size = (size_t)end;
        data = malloc(*size > 0 ? *size : 1);
    }
    if (data != NULL && fread(data, 1, *size, file) != *size) {
        free(data);
        data = NULL;
    }
    fclose(file);
    return data;
}

int main(int argc, char **argv)
{
    struct fuzz_harness *harness = fuzz_harness_new();
    bool failed = argc < 2;
    int n;

    for (n = 1; n < argc; n++) {
        size_t size;
        uint8_t *data = read_file(argv[n], &size);

        if (data == NULL) {
            fprintf(stderr, "%s: cannot be read\n", argv[n]);
            failed = true;
            continue;
        }
        fuzz_harness_run(harness, data, size);
        free(data);
    }
    fuzz_harness_free(harness);
    printf("%d inputs replayed\n", argc - 1);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
