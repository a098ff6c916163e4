#include "agent/collectors/logs/logs.h"

#include <glob.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "agent/collectors/redact.h"

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

struct LogCollector::Stream {
    std::string from;  // The path, or the unit.
    std::unique_ptr<FileTail> tail;
    std::unique_ptr<JournalReader> journal;
    RecordJoiner joiner;
};

struct LogCollector::Source {
    LogSource config;
    std::map<std::string, Stream> streams;
    WallTime globbed_at{-1};
    std::size_t files_over = 0;
    // Tokens of the rate limit, and what was seen lately: both bounded.
    double tokens = 0;
    WallTime tokens_at;
    std::map<std::uint64_t, WallTime> seen;
    std::map<std::string, double> records;  // By level, ever.
    std::map<std::string, double> dropped;  // By reason, ever.
};

LogCollector::LogCollector(LogCollectorOptions options) : options_(std::move(options)) {
    for (const LogSource& config : options_.sources) {
        auto& source = *sources_.emplace_back(std::make_unique<Source>());
        source.config = config;
        source.tokens = static_cast<double>(options_.events_per_minute_max);
        if (config.unit.empty()) continue;
        Stream& stream = source.streams[config.unit];
        stream.from = config.unit;
        stream.journal = options_.open_journal(config.unit);
    }
}
LogCollector::~LogCollector() = default;

void LogCollector::find_files(Source& source, WallTime at) {
    if (source.globbed_at.unix_ms >= 0 && at - source.globbed_at < options_.glob_every && at >= source.globbed_at)
        return;
    source.globbed_at = at;
    glob_t found = {};
    std::set<std::string> paths;
    source.files_over = 0;
    if (glob(source.config.path.c_str(), GLOB_NOSORT, nullptr, &found) == 0) {
        for (std::size_t i = 0; i < found.gl_pathc; ++i) {
            if (paths.size() < options_.files_max)
                paths.insert(found.gl_pathv[i]);
            else
                ++source.files_over;
        }
    }
    globfree(&found);
    // A file without a name for a moment is being rotated; one that was read before is followed until it has a new one.
    for (const std::string& path : paths) {
        auto& stream = source.streams[path];
        if (stream.tail) continue;
        stream.from = path;
        stream.tail = std::make_unique<FileTail>(path, options_.tail);
    }
    constexpr std::size_t streams_factor = 2;
    if (source.streams.size() > options_.files_max * streams_factor)
        std::erase_if(source.streams, [&](const auto& entry) { return !paths.contains(entry.first); });
}

Observation LogCollector::look(WallTime at) {
    Observation observation;
    observation.target = options_.target;
    observation.at = at;
    for (const auto& source : sources_) {
        if (source->config.unit.empty()) find_files(*source, at);
        if (source->streams.empty()) observation.lacks("no file " + source->config.path);
        if (source->files_over > 0)
            observation.lacks(source->config.path + ": " + std::to_string(source->files_over) +
                              " files over the limit of " + std::to_string(options_.files_max));
        for (auto& [name, stream] : source->streams)
            if (stream.tail)
                read_file(*source, stream, at, observation);
            else
                read_unit(*source, stream, at, observation);
        tell(*source, observation);
    }
    // Nothing at all could be read: not a quiet log, but none.
    const bool blind = std::ranges::all_of(sources_, [](const auto& source) { return source->streams.empty(); });
    if (blind && !sources_.empty()) observation.outcome = ScrapeOutcome::failed;
    return observation;
}

void LogCollector::read_file(Source& source, Stream& stream, WallTime at, Observation& observation) {
    TailedLines read = stream.tail->look();
    if (!read.problem.empty()) observation.lacks(read.problem);
    if (read.skipped_bytes > 0) source.dropped["bytes-over-limit"] += static_cast<double>(read.skipped_bytes);
    source.dropped["line-cut"] += static_cast<double>(read.cut_lines);
    std::size_t count = 0;
    for (const std::string& line : read.lines) {
        if (++count > options_.lines_per_look_max) {
            source.dropped["lines-over-limit"] += 1;
            continue;
        }
        const auto clean = clean_line(line);
        if (!clean) {
            source.dropped["binary"] += 1;
            continue;
        }
        if (const auto record = stream.joiner.add(*clean, at)) take(source, *record, stream.from, at, observation);
    }
    // The last record is whole when nothing has followed it for a look.
    if (!read.lines.empty()) return;
    if (const auto record = stream.joiner.end()) take(source, *record, stream.from, at, observation);
}

void LogCollector::read_unit(Source& source, Stream& stream, WallTime at, Observation& observation) {
    const auto lines = stream.journal->read(options_.lines_per_look_max);
    if (!lines) return observation.lacks("journal of " + stream.from + ": " + lines.error().message);
    for (const JournalLine& line : *lines) {
        // A message of the journal may hold a whole trace; a program that prints to it sends each line by itself.
        for (std::size_t from = 0; from <= line.text.size();) {
            const auto end = std::min(line.text.find('\n', from), line.text.size());
            const auto clean = clean_line(std::string_view(line.text).substr(from, end - from));
            from = end + 1;
            if (!clean) {
                source.dropped["binary"] += 1;
                continue;
            }
            constexpr int syslog_error = 3, syslog_warning = 4;
            const LogLevel level = line.priority <= syslog_error     ? LogLevel::error
                                   : line.priority == syslog_warning ? LogLevel::warn
                                                                     : LogLevel::unknown;
            if (const auto record = stream.joiner.add(*clean, line.at, level))
                take(source, *record, stream.from, at, observation);
        }
    }
    if (!lines->empty()) return;
    if (const auto record = stream.joiner.end()) take(source, *record, stream.from, at, observation);
}

void LogCollector::take(Source& source, const LogRecord& record, const std::string& from, WallTime at,
                        Observation& observation) const {
    source.records[std::string(to_string(record.level))] += 1;
    const bool clean_stop = is_clean_stop(record.text);
    if (record.level != LogLevel::error && !record.trace && !clean_stop) return;
    constexpr std::size_t seen_max = 1'000;
    constexpr double minute_ms = 60'000;
    std::string text = redact(record.text, RecordJoiner::record_bytes_max);
    const std::uint64_t print = fingerprint(without_time(text));
    const auto known = source.seen.find(print);
    // Each stop counts, also when the same node was stopped a minute ago.
    if (!clean_stop && known != source.seen.end() && at - known->second < options_.same_within) {
        source.dropped["repeated"] += 1;
        return;
    }
    if (source.seen.size() >= seen_max)
        std::erase_if(source.seen, [&](const auto& one) { return at - one.second >= options_.same_within; });
    if (source.seen.size() < seen_max) source.seen[print] = at;
    const auto rate = static_cast<double>(options_.events_per_minute_max);
    if (at > source.tokens_at)
        source.tokens =
            std::min(rate, source.tokens + rate * static_cast<double>((at - source.tokens_at).count()) / minute_ms);
    source.tokens_at = at;
    if (source.tokens < 1) {
        source.dropped["events-over-limit"] += 1;
        return;
    }
    source.tokens -= 1;

    // A time that is far off is no time: a zone that we do not know, or a clock that is wrong.
    constexpr Duration off_max{3600 * 1000};
    const bool plausible = record.at <= at + Duration{60'000} && at - record.at <= off_max;
    Event event{.at = plausible ? record.at : at,
                .subject = {options_.cluster, source.config.node.empty() ? "cluster" : "node",
                            source.config.node.empty() ? options_.cluster : source.config.node},
                .kind = clean_stop ? "clean-stop" : "log",
                .text = std::move(text),
                .fields = record.fields,
                .id = ""};
    event.fields["component"] = source.config.component;
    event.fields["source"] = from;
    if (const auto level = to_string(record.level); !level.empty()) event.fields["level"] = level;
    if (!source.config.node.empty()) event.fields["node"] = source.config.node;
    event.id = options_.target + "/" + from + "/" + std::to_string(event.at.unix_ms) + "/" + std::to_string(print);
    observation.events.push_back(std::move(event));
}

void LogCollector::tell(const Source& source, Observation& observation) const {
    const auto labels = [&](const char* name, const std::string& value) {
        std::vector<LabelPair> pairs = {
            {"cluster", options_.cluster}, {"component", source.config.component}, {name, value}};
        pairs.emplace_back("source", source.config.unit.empty() ? source.config.path : source.config.unit);
        if (!source.config.node.empty()) pairs.emplace_back("node", source.config.node);
        return pairs;
    };
    for (const auto& [level, count] : source.records)
        observation.sample("log_records_total", labels("level", level.empty() ? "unknown" : level), count);
    for (const auto& [reason, count] : source.dropped)
        observation.sample("log_dropped_total", labels("reason", reason), count);
}

}  // namespace medic
