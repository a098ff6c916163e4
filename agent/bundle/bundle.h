// A bundle: everything that somebody elsewhere needs to understand a trouble, in one file that may be handed on.
// Bounded, without secrets, and with a manifest that says what is in it, how it was bounded and what was withheld.
// The files, in this order: manifest.json, diagnosis.json, config.yaml, incidents.json, journal.jsonl, events.jsonl,
// series.jsonl, topology.jsonl, logs/N.log, versions.json. What could not be had is not there and stands in the
// manifest.
#pragma once

#include <string>
#include <vector>

#include "agent/bundle/archive.h"
#include "agent/bundle/redaction.h"
#include "agent/daemon/diagnose_once.h"
#include "agent/daemon/snapshot.h"

namespace medic::bundle {

struct Bounds {
    Duration last{30 * 60'000};             // Journal, events, series.
    std::size_t incidents_max = 200;        // The newest, and at most so many decisions for each.
    std::size_t decisions_max = 2'000;      // Of all of them.
    std::size_t log_files_max = 16;         // The ones written last.
    std::size_t log_bytes_max = 256 << 10;  // The end of each.
    std::size_t file_bytes_max = 32 << 20;  // Of one file of the bundle; it is cut at a line's end.
};

struct Parts {
    const Config& config;
    DiagnoseResult diagnosis;
    Snapshot snapshot;
    std::string medic_version;
    WallTime now;
    Bounds bounds;
};

// The bundle's files. Parts that can't be had are withheld, never an error.
[[nodiscard]] std::vector<File> make_bundle(const Parts& parts);

// The diagnosis of a bundle, as it was when it was made, and beside it what this program makes of the bundle's
// observations (weigh.h). `rules_directory`: as Brain has it. Errors: unavailable, invalid.
[[nodiscard]] Result<DiagnoseResult> read_bundle(const std::string& path, const std::string& rules_directory = "");

}  // namespace medic::bundle
