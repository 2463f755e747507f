/* SPDX-License-Identifier: BSD-2-Clause */
/* A hosted program that uses the installed library: judges bytes that are no payload. */
#include <stdio.h>
#include <string.h>

#include <hotpatch/host.h>
#include <hotpatch/hotpatch.h>

int main(void)
{
    static const char bytes[128] = "not a payload";
    struct hp_port *port = NULL;
    struct hp_diag diag;
    char line[512];
    enum hp_status status;

    if (strcmp(hp_version(), HP_VERSION_STRING) != 0) {
        fprintf(stderr, "headers %s, library %s\n", HP_VERSION_STRING, hp_version());
        return 1;
    }
    hp_diag_init(&diag);
    if (hp_host_open(&port, NULL, NULL, &diag)) {
        fprintf(stderr, "hp_host_open failed\n");
        return 1;
    }
    status = hp_validate(port, bytes, sizeof(bytes), NULL, NULL, &diag);
    hp_host_close(port);
    hp_diag_format(&diag, line, sizeof(line));
    printf("%s: %s\n", hp_status_name(status), line);
    return status == HP_ELF_MAGIC && diag.status == HP_ELF_MAGIC ? 0 : 1;
}
