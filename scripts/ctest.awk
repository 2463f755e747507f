# SPDX-License-Identifier: BSD-2-Clause
# Reads the output of "ctest --verbose", prints what the tests that failed have said, and closes with
# "N passed, N failed". A test program of cmocka counts as many tests as it reports, another as one.

# "7: text" is a line of test 7.
/^[0-9]+: / {
    number = $1 + 0
    if (/: \[  PASSED  \] [0-9]+ test/) {
        good[number] += $5
    } else if (/: \[  FAILED  \] [0-9]+ test/) {
        bad[number] += $5
    }
    if (/: \[ RUN      \]/) {
        begun[number] = $0
    } else if (/: \[       OK \]/) {
        begun[number] = ""
    } else {
        said[number] = said[number] (begun[number] == "" ? "" : begun[number] "\n") $0 "\n"
        begun[number] = ""
    }
}

# " 3/15 Test  #7: name ......   Passed    0.03 sec" is how it ended.
/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: / {
    match($0, /#[0-9]+/)
    number = substr($0, RSTART + 1, RLENGTH - 1) + 0
    if (/ Passed /) {
        passed += good[number] ? good[number] : 1
    } else {
        passed += good[number]
        failed += bad[number] ? bad[number] : 1
        # A test that was begun and not ended is where the program died.
        printf "%s%s%s\n", said[number], begun[number] == "" ? "" : begun[number] "\n", $0
    }
}

END {
    printf "%d passed, %d failed\n", passed, failed
}
