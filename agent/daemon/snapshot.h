// The newest samples and events of what is known, as JSON lines for a bundle: {"labels": {…}, "samples": [[ms, value],
// …]} (null: the series was not on that page), {"at", "subject", "kind", "text", "fields"}, and who is connected to
// whom,
// {"from", "kind", "to"}. A copy for people and their programs; no agent ever restores anything from it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/daemon/knowledge.h"

namespace medic {

struct SnapshotOptions {
    Duration last{30 * 60'000};
    std::size_t series_max = 20'000;
    std::size_t samples_max = 400'000;  // Of all series; then each keeps its newest ones only.
    std::size_t events_max = 5'000;     // The newest.
    std::size_t relations_max = 50'000;
};

struct Snapshot {
    std::string series, events, topology;
    std::vector<std::string> left_out;  // What the bounds have cost, for the manifest.
    WallTime from, to;
};

// On the ingest thread.
[[nodiscard]] Snapshot snapshot_of(const Knowledge& knowledge, WallTime now, const SnapshotOptions& options = {});

// As the agent's API tells it, and back.
[[nodiscard]] std::string snapshot_document(const Snapshot& snapshot);
[[nodiscard]] Result<Snapshot> read_snapshot_document(std::string_view text);

}  // namespace medic
