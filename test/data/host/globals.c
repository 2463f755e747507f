/* SPDX-License-Identifier: BSD-2-Clause */
/* Globals of all kinds for test_host.c. */

int global_data[4] = {0x11111111, 0x22222222, 0x33333333, 0x44444444};
const unsigned char global_text[] = "read me";
int global_zero[1024];
_Thread_local int thread_data = 7;
_Thread_local int thread_zero[1024];

__attribute__((weak)) int weak_function(void)
{
    return 1;
}

__attribute__((visibility("hidden"))) int hidden_function(void)
{
    return 2;
}

int _start(void)
{
    return weak_function() + hidden_function() + global_zero[0] + thread_data + thread_zero[1];
}
