// Files that appear exactly once: written under a hidden name, synced at the checkpoint's barrier, renamed when the
// checkpoint is complete. `.part-GENERATION-SUBTASK-NUMBER` becomes `part-GENERATION-SUBTASK-NUMBER`.
#pragma once

#include <memory>

#include "engine/flow/api/operator.h"

namespace medic::engine::flow {

// Failures are exceptions. Two jobs must not write to one directory under one prefix.
[[nodiscard]] std::unique_ptr<CommitSink> make_file_sink(const FileSinkOptions& options, const SubtaskInfo& info);

}  // namespace medic::engine::flow
