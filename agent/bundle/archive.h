// Files in memory as one tar.gz, and back: what a bundle is written to and read from. Not for archives of others: only
// plain files with simple names are taken, within bounds. libarchive stays behind this header.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace medic::bundle {

struct File {
    std::string name;  // manifest.json, logs/1.log
    std::string text;
};

struct ArchiveLimits {
    std::size_t files_max = 256;
    std::size_t bytes_max = 256 * 1024 * 1024;  // Unpacked, all together: a small archive may hold a huge file.
};

// Readable by its owner only; written beside its place and put there when it is whole. Errors: unavailable.
[[nodiscard]] Status write_archive(const std::string& path, const std::vector<File>& files, WallTime at);
// Errors: unavailable (no such file), invalid (no archive, or over the limits).
[[nodiscard]] Result<std::vector<File>> read_archive(const std::string& path, const ArchiveLimits& limits = {});

}  // namespace medic::bundle
