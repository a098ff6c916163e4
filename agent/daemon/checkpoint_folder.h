// The newest complete checkpoint beside one that is known, for checkpoints in a file system that this machine sees. A
// job manager that dies may have completed some since the last look. Reads names only; blocks as the file system does.
#pragma once

#include <string>

namespace medic {

// Of "file:/cp/JOB/chk-7": "file:/cp/JOB/chk-9". no_checkpoint (agent/store/fact.h): the folder is there and holds no
// complete one. "": can't be seen from here, or is no checkpoint's path.
[[nodiscard]] std::string newest_checkpoint_beside(const std::string& path);

}  // namespace medic
