// One subtask's state as a file: entries per operator uid, closed by a checksum. And the way files become durable.
// The file is written once and never changed; a torn or foreign one is refused, not read halfway.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "engine/flow/api/operator.h"

namespace medic::engine::flow {

class SnapshotWriter {
public:
    SnapshotWriter();
    [[nodiscard]] std::unique_ptr<StateWriter> of_operator(std::string uid);
    [[nodiscard]] std::string finish() &&;

private:
    std::string bytes_;
};

// What an operator gets back: its own entries out of any number of snapshot files.
class RestoredState final : public StateReader {
public:
    void each_keyed(const std::function<void(int key_group, std::string_view bytes)>& visit) const override;
    void each_list(const std::function<void(std::string_view item)>& visit) const override;

private:
    friend Result<std::map<std::string, RestoredState>> read_snapshots(const std::vector<std::string>& paths,
                                                                       KeyGroupRange groups);
    std::vector<std::pair<int, std::string>> keyed_;
    std::vector<std::string> list_;
};

// By uid. Keyed entries outside `groups` are left out. Errors: unavailable (cannot be read), invalid (torn, or no
// snapshot).
[[nodiscard]] Result<std::map<std::string, RestoredState>> read_snapshots(const std::vector<std::string>& paths,
                                                                          KeyGroupRange groups);

// Content, fsync, rename, fsync of the folder: after a crash there is the whole file or none. Errors: unavailable.
[[nodiscard]] Status write_durably(const std::string& path, std::string_view content);
[[nodiscard]] Status sync_folder(const std::string& folder);
[[nodiscard]] Result<std::string> read_file(const std::string& path);

}  // namespace medic::engine::flow
