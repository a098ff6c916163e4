#include "engine/workload/checker.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>

namespace medic::engine::workload {
namespace {

std::int64_t window_of(std::int64_t at_ms) { return at_ms - ((at_ms % window_ms) + window_ms) % window_ms; }

Result<std::int64_t> number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
        return fail(ErrorCode::invalid, "expected a number, got \"{}\"", text);
    return value;
}

// Cuts the next '|'-separated field off the front of `rest`.
std::string_view next_field(std::string_view& rest) {
    const auto bar = rest.find('|');
    const auto field = rest.substr(0, bar);
    rest = bar == std::string_view::npos ? std::string_view() : rest.substr(bar + 1);
    return field;
}

bool is_committed(const std::filesystem::path& path) {
    const std::string name = path.filename().string();
    return !name.starts_with('.') && name.find(".pending") == std::string::npos &&
           name.find(".inprogress") == std::string::npos;
}

}  // namespace

std::string encode(const OutputRow& row) {
    return fmt::format("{}|{}|{}|{}", row.key.window_start_ms, row.key.server, row.faults,
                       row.replace_node ? "replace-node" : "keep");
}

Result<OutputRow> decode_row(std::string_view text) {
    OutputRow row;
    std::string_view rest = text;
    MEDIC_TRY(row.key.window_start_ms, number(next_field(rest)));
    row.key.server = next_field(rest);
    MEDIC_TRY(const std::int64_t faults, number(next_field(rest)));
    row.faults = static_cast<std::uint64_t>(faults);
    if (rest != "replace-node" && rest != "keep")
        return fail(ErrorCode::invalid, "output row: expected keep or replace-node at the end of \"{}\"", text);
    row.replace_node = rest == "replace-node";
    return row;
}

std::string ledger_line(const EventMix& mix, const Event& event) {
    if (!event.fault) return {};
    return fmt::format("{}|{}{}\n", event.at_ms, event.server, is_late_on_purpose(mix, event.sequence) ? "|late" : "");
}

void Checker::expect(const Event& acknowledged) {
    if (acknowledged.fault) ++expected_[{window_of(acknowledged.at_ms), acknowledged.server}];
}

void Checker::allow(const Event& acknowledged) {
    if (acknowledged.fault) ++allowed_[{window_of(acknowledged.at_ms), acknowledged.server}];
}

Status Checker::see(std::string_view output_line) {
    MEDIC_TRY(const OutputRow row, decode_row(output_line));
    seen_[row.key] += row.faults;
    if (row.replace_node) ++replacements_[row.key];
    return {};
}

std::int64_t Checker::seen_until_ms() const {
    return seen_.empty() ? 0 : seen_.rbegin()->first.window_start_ms + window_ms;
}

Verdict Checker::compare(std::int64_t from_ms, std::int64_t until_ms) const {
    const auto count_of = [](const Counts& counts, const WindowKey& key) {
        const auto found = counts.find(key);
        return found == counts.end() ? 0 : found->second;
    };
    Verdict verdict;
    std::set<WindowKey> windows;
    for (const Counts* counts : {&expected_, &seen_})
        for (const auto& [key, count] : *counts)
            if (key.window_start_ms >= from_ms && key.window_start_ms < until_ms) windows.insert(key);
    for (const WindowKey& key : windows) {
        const std::uint64_t least = count_of(expected_, key), most = least + count_of(allowed_, key);
        const std::uint64_t got = count_of(seen_, key), said = count_of(replacements_, key);
        verdict.records_expected += least;
        verdict.records_seen += got;
        if (got < least) verdict.records_lost += least - got;
        if (got > most) verdict.records_doubled += got - most;
        const bool counts_right = got >= least && got <= most;
        if (!counts_right) ++verdict.windows_wrong;
        const bool may = most > faults_before_replacement, must = least > faults_before_replacement;
        if (least > 0 && (said > (may ? 1U : 0U) || said < (must ? 1U : 0U))) {
            ++verdict.replacements_wrong;
            if (counts_right) ++verdict.windows_in_parts;
        }
    }
    return verdict;
}

Result<std::uint64_t> Checker::load_ledger(const std::string& path) {
    std::ifstream in(path);
    if (!in) return fail(ErrorCode::unavailable, "{}: cannot be read", path);
    std::uint64_t lines = 0;
    for (std::string line; std::getline(in, line); ++lines) {
        if (in.eof()) break;  // A last line without its end is still being written.
        std::string_view rest = line;
        auto at_ms = number(next_field(rest));
        const std::string server(next_field(rest));
        if (!at_ms || server.empty() || (!rest.empty() && rest != "late"))
            return fail(ErrorCode::invalid, "{}:{}: expected at_ms|server or at_ms|server|late, got \"{}\"", path,
                        lines + 1, line);
        ++(rest.empty() ? expected_ : allowed_)[{window_of(*at_ms), server}];
    }
    return lines;
}

Result<std::uint64_t> Checker::load_output(const std::string& folder) {
    std::uint64_t rows = 0;
    std::error_code error;
    std::filesystem::recursive_directory_iterator files(folder, error);
    if (error) return fail(ErrorCode::unavailable, "{}: {}", folder, error.message());
    for (const auto& entry : files) {
        if (!entry.is_regular_file(error) || !is_committed(entry.path())) continue;
        std::ifstream in(entry.path());
        for (std::string line; std::getline(in, line); ++rows) {
            if (auto status = see(line); !status) return wrap(status.error(), entry.path().string());
        }
    }
    return rows;
}

}  // namespace medic::engine::workload
