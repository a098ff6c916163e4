// What the artifacts of configured versions hold, read again only when a file has changed. Looked at only while
// somebody wants to know. On the ingest thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace medic {

class ArtifactHashes {
public:
    // As {artifact/PATH, "sha256"} in agent/store/fact.h; "": it is there and can't be read.
    [[nodiscard]] std::string of(const std::string& path);

private:
    struct Read {
        std::uintmax_t bytes = 0;
        std::filesystem::file_time_type changed;
        std::string hash;
    };
    std::map<std::string, Read> read_;  // As many as there are versions in medic.yaml.
};

}  // namespace medic
