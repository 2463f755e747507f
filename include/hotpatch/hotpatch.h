/* SPDX-License-Identifier: BSD-2-Clause */
/* Umbrella header: all of the library's interface but the payload author's <hotpatch/payload.h>. */
#ifndef HOTPATCH_HOTPATCH_H
#define HOTPATCH_HOTPATCH_H

#include <hotpatch/elf.h>
#include <hotpatch/image.h>
#include <hotpatch/key.h>
#include <hotpatch/load.h>
#include <hotpatch/manager.h>
#include <hotpatch/plan.h>
#include <hotpatch/port.h>
#include <hotpatch/profile.h>
#include <hotpatch/safepoint.h>
#include <hotpatch/sign.h>
#include <hotpatch/status.h>
#include <hotpatch/symtab.h>
#include <hotpatch/validate.h>
#include <hotpatch/version.h>

#endif
