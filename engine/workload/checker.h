// Knows the right output of the fleet-monitoring job and counts what is missing or doubled in the real one.
// It sees only the ledger of acknowledged events (written by the generator) and the committed output files of the job.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "agent/base/result.h"
#include "engine/workload/event.h"

namespace medic::engine::workload {

struct WindowKey {
    std::int64_t window_start_ms = 0;
    std::string server;
    auto operator<=>(const WindowKey&) const = default;
};

// Faults per server and window.
using Counts = std::map<WindowKey, std::uint64_t>;

struct Verdict {
    std::uint64_t records_expected = 0, records_seen = 0;
    std::uint64_t records_lost = 0, records_doubled = 0;
    std::uint64_t windows_wrong = 0;
    // Windows with more than five faults without "replace node", or the other way round.
    std::uint64_t replacements_wrong = 0;
    // Of these, those that count rightly as a whole: no row of theirs does.
    std::uint64_t windows_in_parts = 0;
    [[nodiscard]] bool right() const { return records_lost == 0 && records_doubled == 0 && replacements_wrong == 0; }
};

// One committed output row: window_start_ms|server|faults|keep or replace-node
struct OutputRow {
    WindowKey key;
    std::uint64_t faults = 0;
    bool replace_node = false;
};
[[nodiscard]] std::string encode(const OutputRow& row);
[[nodiscard]] Result<OutputRow> decode_row(std::string_view text);

class Checker {
public:
    void expect(const Event& acknowledged);
    // One that is late on purpose: a job drops it, or counts it once where its event time has only just begun anew (a
    // checkpoint holds no watermark). Either is right.
    void allow(const Event& acknowledged);
    [[nodiscard]] Status see(std::string_view output_line);
    // Compares windows that start in [from_ms, until_ms).
    [[nodiscard]] Verdict compare(std::int64_t from_ms, std::int64_t until_ms) const;
    // The end of the newest window in the output, 0 when there is none: how far the job has come.
    [[nodiscard]] std::int64_t seen_until_ms() const;

    // The ledger holds one line per acknowledged fault: at_ms|server, and |late where it is late on purpose. Returns
    // how many lines were read.
    [[nodiscard]] Result<std::uint64_t> load_ledger(const std::string& path);
    // Every committed file below the folder (names without a leading dot or ".pending").
    [[nodiscard]] Result<std::uint64_t> load_output(const std::string& folder);

private:
    Counts expected_, allowed_, seen_;
    Counts replacements_;  // Rows that said replace-node.
};

// What the generator appends to the ledger for an acknowledged event; "" for one that is no fault and counts nowhere.
[[nodiscard]] std::string ledger_line(const EventMix& mix, const Event& event);

}  // namespace medic::engine::workload
