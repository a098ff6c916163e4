// Shared by this room's tests: a folder that goes away, and a record as a sink gets it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "engine/connect/plugin.h"

namespace medic::engine::connect {

class TemporaryFolder {
public:
    TemporaryFolder() {
        char name[] = "/tmp/medic-connect-XXXXXX";
        path_ = mkdtemp(name);
    }
    ~TemporaryFolder() { std::filesystem::remove_all(path_); }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    [[nodiscard]] std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

private:
    std::string path_;
};

inline SinkRecord sink_record(std::int64_t offset, std::string value, int partition = 0) {
    return {"t", partition, offset, 1000, std::nullopt, std::move(value)};
}

}  // namespace medic::engine::connect
