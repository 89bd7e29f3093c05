#ifndef UPDATE_H
#define UPDATE_H

#include "request.h"

/* UPDATE_FILES: gives files of a container new contents, but for those that have been changed there. Returns 0 or an errno. */
int update_files(const struct request *request);

#endif
