/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MINIVISOR_KEYRING_H
#define MINIVISOR_KEYRING_H

#include <hotpatch/manager.h>
#include <hotpatch/sign.h>

/* Fills the key ring, and puts it and the policy into the options. */
HP_MUST_USE enum hp_status mv_keyring_init(struct hp_manager_options *options);

#endif
