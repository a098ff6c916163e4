// The `_metadata` file of a checkpoint or savepoint: which operators it has state of, in which version, and in which
// files. A checkpoint without it is not complete.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "engine/flow/runtime/job_graph.h"

namespace medic::engine::flow {

struct SavedOperator {
    std::string uid, name;
    int state_version = 1;
    bool stateful = false;
};

struct SavedFile {
    std::string name;            // Within the checkpoint's folder.
    std::set<std::string> uids;  // Operators that may have state in it.
};

struct CheckpointMetadata {
    std::int64_t checkpoint_id = 0;
    std::int64_t completed_unix_ms = 0;
    bool is_savepoint = false;
    std::string job_id, job_name;
    int max_parallelism = default_max_parallelism;
    std::vector<SavedOperator> operators;
    std::vector<SavedFile> files;
};

[[nodiscard]] Status write_metadata(const std::string& folder, const CheckpointMetadata& metadata);

// `path`: the folder, or its _metadata, with or without "file:". Errors: unavailable (not there), invalid (unreadable).
[[nodiscard]] Result<CheckpointMetadata> read_metadata(const std::string& path);
[[nodiscard]] std::string checkpoint_folder(std::string path);

enum class NonRestored : std::uint8_t { refuse, allow };
// Whether `graph` can go on from the checkpoint. Errors: invalid, in Flink's words.
[[nodiscard]] Status check_restorable(const CheckpointMetadata& metadata, const std::string& path,
                                      const JobGraph& graph, NonRestored state);

}  // namespace medic::engine::flow
