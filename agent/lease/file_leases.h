// Leases in an SQLite file of this host, for several agents on one machine. They count the host's own monotonic clock,
// which every process sees alike; after a reboot all have ended.
#pragma once

#include <functional>
#include <memory>

#include "agent/lease/lease.h"

namespace medic {

struct FileLeasesOptions {
    std::string path;    // The file; made when it is missing. On a local disk: SQLite's locks don't hold over NFS.
    std::string holder;  // This agent's name.
    Duration ttl{90'000};
    std::string boot;                // Of this boot of the host, for example /proc/sys/kernel/random/boot_id.
    std::function<Instant()> clock;  // The host's monotonic clock.
};

// Errors: unavailable (the file can't be opened or written).
[[nodiscard]] Result<std::unique_ptr<LeaseStore>> open_file_leases(FileLeasesOptions options);

}  // namespace medic
