// A file system of its own, and a small one, for one broker's log directory: so that it can run full without the rest
// of the machine. Needs the right to mount (root).
#pragma once

#include <cstdint>
#include <string>

#include "agent/base/result.h"

namespace medic::live {

// At `folder`, which is made. Errors: unavailable (no right to mount).
[[nodiscard]] Status mount_small_disk(const std::string& folder, std::uint64_t bytes);
// True when there was one at `folder`; whoever still uses it keeps it until he ends.
bool unmount_small_disk(const std::string& folder);
[[nodiscard]] bool is_small_disk(const std::string& folder);

// What is left of it goes into one file, as a core dump's or another program's would.
[[nodiscard]] Status fill_disk(const std::string& folder);
[[nodiscard]] Status empty_disk(const std::string& folder);

}  // namespace medic::live
