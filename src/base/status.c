/* SPDX-License-Identifier: BSD-2-Clause */
/* Names, sentences and error numbers of the status codes and stages. */
#include <hotpatch/status.h>

struct status_entry {
    const char *name;
    const char *text;
    enum hp_errno err;
};

static const struct status_entry status_table[HP_STATUS_COUNT] = {
#define STATUS_ENTRY(id, name, err, text) [HP_##id] = {name, text, HP_ERRNO_##err},
    HP_STATUS_LIST(STATUS_ENTRY)
#undef STATUS_ENTRY
};

/* What a number that is no status reads as: a caller's bug, not a payload's defect. */
static const struct status_entry unknown_status = {"unknown-status", "unknown status",
                                                   HP_ERRNO_EINVAL};

static const char *const stage_table[HP_STAGE_COUNT] = {
    [HP_STAGE_NONE] = "none",           [HP_STAGE_CALL] = "call",
    [HP_STAGE_SIGNATURE] = "signature", [HP_STAGE_ELF] = "elf",
    [HP_STAGE_IDENTITY] = "identity",   [HP_STAGE_LAYOUT] = "layout",
    [HP_STAGE_SYMBOLS] = "symbols",     [HP_STAGE_RELOC] = "reloc",
    [HP_STAGE_RECORDS] = "records",     [HP_STAGE_PLAN] = "plan",
    [HP_STAGE_ACTION] = "action",
};

static const struct status_entry *status_entry(enum hp_status status)
{
    const unsigned int index = (unsigned int)status;

    if (index >= HP_STATUS_COUNT) {
        return &unknown_status;
    }
    return &status_table[index];
}

const char *hp_status_name(enum hp_status status)
{
    return status_entry(status)->name;
}

const char *hp_status_text(enum hp_status status)
{
    return status_entry(status)->text;
}

enum hp_errno hp_status_errno(enum hp_status status)
{
    return status_entry(status)->err;
}

const char *hp_errno_name(enum hp_errno err)
{
    switch (err) {
    case HP_ERRNO_OK:
        return "OK";
    case HP_ERRNO_EPERM:
        return "EPERM";
    case HP_ERRNO_ENOENT:
        return "ENOENT";
    case HP_ERRNO_E2BIG:
        return "E2BIG";
    case HP_ERRNO_EAGAIN:
        return "EAGAIN";
    case HP_ERRNO_ENOMEM:
        return "ENOMEM";
    case HP_ERRNO_EACCES:
        return "EACCES";
    case HP_ERRNO_EFAULT:
        return "EFAULT";
    case HP_ERRNO_EBUSY:
        return "EBUSY";
    case HP_ERRNO_EEXIST:
        return "EEXIST";
    case HP_ERRNO_EINVAL:
        return "EINVAL";
    case HP_ERRNO_ERANGE:
        return "ERANGE";
    case HP_ERRNO_ENOSYS:
        return "ENOSYS";
    case HP_ERRNO_ENODATA:
        return "ENODATA";
    case HP_ERRNO_EBADMSG:
        return "EBADMSG";
    case HP_ERRNO_EOVERFLOW:
        return "EOVERFLOW";
    case HP_ERRNO_EOPNOTSUPP:
        return "EOPNOTSUPP";
    case HP_ERRNO_ENOBUFS:
        return "ENOBUFS";
    }
    return "E?";
}

const char *hp_stage_name(enum hp_stage stage)
{
    const unsigned int index = (unsigned int)stage;

    if (index >= HP_STAGE_COUNT) {
        return "unknown";
    }
    return stage_table[index];
}
