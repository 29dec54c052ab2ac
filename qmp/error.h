/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What can go wrong between us and a QMP peer. An error of QEMU's own (QMP_ERROR_REFUSED) also
 * carries the command, QEMU's error class and its words, for machines; the message is a sentence
 * for people and repeats them. */
#pragma once

#include <glib.h>

#define QMP_ERROR (qmp_error_quark ())

typedef enum {
    QMP_ERROR_UNREACHABLE, /* no such socket, connection refused, name unknown */
    QMP_ERROR_HELD,        /* connected, but no greeting: held by another client, or QEMU hangs */
    QMP_ERROR_PROTOCOL,    /* not QMP, or a reply that is not what QMP promises */
    QMP_ERROR_CLOSED,      /* the peer closed the connection; sticky */
    QMP_ERROR_TIMEOUT,     /* no answer within the reply timeout; the connection stays usable */
    QMP_ERROR_CANCELLED,   /* we were asked to leave */
    QMP_ERROR_REFUSED,     /* QEMU answered with an error */
    QMP_ERROR_ADDRESS,     /* a malformed address; nothing was contacted */
} QmpError;

GQuark qmp_error_quark (void);

/* FALSE, so that a failure is one line: return qmp_fail (error, QMP_ERROR_PROTOCOL, "..."). */
gboolean qmp_fail (GError **error, QmpError code, const char *format, ...) G_GNUC_PRINTF (3, 4);

/* QEMU's refusal of COMMAND: "COMMAND: DESC". Returns FALSE. */
gboolean qmp_fail_refused (GError **error, const char *command, const char *class,
                           const char *desc);

/* The parts of a QMP_ERROR; NULL where the error has none. Borrowed from the error. */
const char *qmp_error_command (const GError *error);
const char *qmp_error_class (const GError *error);
const char *qmp_error_desc (const GError *error);
