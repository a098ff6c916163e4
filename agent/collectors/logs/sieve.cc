#include "agent/collectors/logs/sieve.h"

#include <algorithm>
#include <cctype>

#include "agent/base/due.h"
#include "agent/base/redact.h"

namespace medic {
namespace {

// FNV-1a over the text without its figures: "timed out after 30001 ms" and "… 30007 ms" are the same complaint.
std::uint64_t fingerprint(std::string_view text) {
    std::uint64_t hash = 14'695'981'039'346'656'037U;
    for (const char c : text)
        if (std::isdigit(static_cast<unsigned char>(c)) == 0)
            hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211U;
    return hash;
}

// How the products and systemd say that a process was told to end. No line of a crash holds any of these; what
// Kafka logs at the end of every shutdown, also of one that a fault began, is not among them.
bool is_clean_stop(std::string_view text) {
    constexpr std::string_view said[] = {"Terminating process due to signal SIGTERM",  // Kafka, Connect
                                         "RECEIVED SIGNAL 15: SIGTERM",                // Flink
                                         ": Deactivated successfully"};                // systemd
    return std::ranges::any_of(said, [&](std::string_view one) { return text.find(one) != std::string_view::npos; });
}

// Behind the time at a line's start: it differs in every line and says nothing.
std::string_view without_time(std::string_view text) {
    const auto space = text.find(' ', text.find(' ') == std::string_view::npos ? 0 : text.find(' ') + 1);
    return space == std::string_view::npos ? text : text.substr(space);
}

}  // namespace

bool RecordSieve::within_limits(std::uint64_t print, bool clean_stop, WallTime at) {
    constexpr std::size_t seen_max = 1'000;
    constexpr double minute_ms = 60'000;
    const auto known = seen_.find(print);
    // Each stop counts, also when the same node was stopped a minute ago.
    if (!clean_stop && known != seen_.end() && !is_due(known->second, options_.same_within, at)) {
        drop("repeated", 1);
        return false;
    }
    if (seen_.size() >= seen_max)
        std::erase_if(seen_, [&](const auto& one) { return is_due(one.second, options_.same_within, at); });
    if (seen_.size() < seen_max) seen_[print] = at;
    const auto rate = static_cast<double>(options_.events_per_minute_max);
    if (at > tokens_at_)
        tokens_ = std::min(rate, tokens_ + rate * static_cast<double>((at - tokens_at_).count()) / minute_ms);
    tokens_at_ = at;
    if (tokens_ < 1) {
        drop("events-over-limit", 1);
        return false;
    }
    tokens_ -= 1;
    return true;
}

std::optional<Event> RecordSieve::take(const LogRecord& record, WallTime at, Event event, const std::string& id) {
    records_[std::string(to_string(record.level))] += 1;
    const bool clean_stop = is_clean_stop(record.text);
    if (record.level != LogLevel::error && !record.trace && !clean_stop) return std::nullopt;
    event.text = redact(record.text, RecordJoiner::record_bytes_max);
    const std::uint64_t print = fingerprint(without_time(event.text));
    if (!within_limits(print, clean_stop, at)) return std::nullopt;

    // A time that is far off is no time: a zone that we do not know, or a clock that is wrong.
    constexpr Duration off_max{3600 * 1000};
    const bool plausible = record.at <= at + Duration{60'000} && at - record.at <= off_max;
    event.at = plausible ? record.at : at;
    event.kind = clean_stop ? "clean-stop" : "log";
    for (const auto& [name, value] : record.fields) event.fields.emplace(name, value);
    if (const auto level = to_string(record.level); !level.empty()) event.fields["level"] = level;
    event.id = id + "/" + std::to_string(event.at.unix_ms) + "/" + std::to_string(print);
    return event;
}

}  // namespace medic
