// What a drill keeps on disk, in DATA_DIR/drills: before the fault is made, how it is undone (undo.json: at most one
// drill at a time), and after it what came of it (one file each). A drill that was killed is undone from the first; the
// agent, `medic doctor` and the next drill say that it is there. Knows files only, not how anything is undone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace medic::practice {

struct UndoRecord {
    std::string id{};  // "D-20261129T211502", unique within a data folder.
    std::string fault{}, cluster{}, node{};
    std::string by{};  // Who made it.
    WallTime at{};
    int newest_incident = 0;                   // The number of the agent's newest incident before it.
    std::vector<std::string> spares_before{};  // Of its role: one that works by now has taken its place.
    int pid = 0;                               // Its process before the fault …
    double start_time = 0;                     // … and since when that runs: a later one is another process.
};

[[nodiscard]] std::string drills_folder(const std::string& data_dir);
[[nodiscard]] std::string encode(const UndoRecord& record);
[[nodiscard]] Result<UndoRecord> decode_undo(std::string_view text, const std::string& path);

// Durable when it returns: the file and its folder are flushed, or it says why not.
[[nodiscard]] Status keep_undo(const std::string& data_dir, const UndoRecord& record);
// nullopt: nothing is to be undone. Errors: invalid (it is there and can't be read).
[[nodiscard]] Result<std::optional<UndoRecord>> find_undo(const std::string& data_dir);
// Once it is undone, or was healed. Nothing there is no error.
[[nodiscard]] Status drop_undo(const std::string& data_dir);
// One line for whoever must know, and what to do; "": nothing is to be undone.
[[nodiscard]] std::string left_to_undo(const std::string& data_dir, const std::string& config_path);

// A finished drill's document, under its id. The oldest go beyond `results_max`.
inline constexpr std::size_t results_max = 200;
[[nodiscard]] Status keep_result(const std::string& data_dir, const std::string& id, const std::string& document);

// A past drill in a line, for reports. Files that can't be read are left out.
struct PastDrill {
    std::string id{}, fault{}, node{}, cluster{}, outcome{};
    bool passed = false;
    WallTime at{};
    std::vector<std::string> incidents{};  // That it has caused.
};
[[nodiscard]] std::vector<PastDrill> past_drills(const std::string& data_dir);  // Oldest first.

}  // namespace medic::practice
