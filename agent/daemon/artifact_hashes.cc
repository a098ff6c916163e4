#include "agent/daemon/artifact_hashes.h"

#include "agent/store/fact.h"
#include "agent/world/real/file_hash.h"

namespace medic {

std::string ArtifactHashes::of(const std::string& path) {
    constexpr std::uint64_t bytes_max = 512ULL << 20;  // A second of reading; jars have a tenth of it.
    std::error_code error;
    const auto bytes = std::filesystem::file_size(path, error);
    if (error == std::errc::no_such_file_or_directory) return std::string(no_artifact);
    if (error) return "";
    const auto changed = std::filesystem::last_write_time(path, error);
    if (error) return "";
    Read& known = read_[path];
    if (known.hash.empty() || known.bytes != bytes || known.changed != changed)
        known = {bytes, changed, sha256_of_file(path, bytes_max).value_or("")};
    return known.hash;
}

}  // namespace medic
