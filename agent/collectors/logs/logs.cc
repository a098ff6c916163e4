#include "agent/collectors/logs/logs.h"

#include <glob.h>

#include <algorithm>
#include <set>

#include "agent/collectors/logs/sieve.h"

namespace medic {

struct LogCollector::Stream {
    std::string from;  // The path, or the unit.
    std::unique_ptr<FileTail> tail;
    std::unique_ptr<JournalReader> journal;
    RecordJoiner joiner;
};

struct LogCollector::Source {
    Source(LogSource config_in, SieveOptions limits) : config(std::move(config_in)), sieve(limits) {}
    LogSource config;
    std::map<std::string, Stream> streams;
    WallTime globbed_at{-1};
    std::size_t files_over = 0;
    RecordSieve sieve;
};

LogCollector::LogCollector(LogCollectorOptions options) : options_(std::move(options)) {
    for (const LogSource& config : options_.sources) {
        const SieveOptions limits{.events_per_minute_max = options_.events_per_minute_max,
                                  .same_within = options_.same_within};
        auto& source = *sources_.emplace_back(std::make_unique<Source>(config, limits));
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
    if (read.skipped_bytes > 0) source.sieve.drop("bytes-over-limit", static_cast<double>(read.skipped_bytes));
    source.sieve.drop("line-cut", static_cast<double>(read.cut_lines));
    std::size_t count = 0;
    for (const std::string& line : read.lines) {
        if (++count > options_.lines_per_look_max) {
            source.sieve.drop("lines-over-limit", 1);
            continue;
        }
        const auto clean = clean_line(line);
        if (!clean) {
            source.sieve.drop("binary", 1);
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
                source.sieve.drop("binary", 1);
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
    const std::string& node = source.config.node;
    Event event{
        .at = at,
        .subject = {options_.cluster, node.empty() ? "cluster" : "node", node.empty() ? options_.cluster : node},
        .kind = "",
        .text = "",
        .fields = {{"component", source.config.component}, {"source", from}},
        .id = ""};
    if (!node.empty()) event.fields["node"] = node;
    if (auto kept = source.sieve.take(record, at, std::move(event), options_.target + "/" + from))
        observation.events.push_back(*std::move(kept));
}

void LogCollector::tell(const Source& source, Observation& observation) const {
    const auto labels = [&](const char* name, const std::string& value) {
        std::vector<LabelPair> pairs = {
            {"cluster", options_.cluster}, {"component", source.config.component}, {name, value}};
        pairs.emplace_back("source", source.config.unit.empty() ? source.config.path : source.config.unit);
        if (!source.config.node.empty()) pairs.emplace_back("node", source.config.node);
        return pairs;
    };
    for (const auto& [level, count] : source.sieve.records())
        observation.sample("log_records_total", labels("level", level.empty() ? "unknown" : level), count);
    for (const auto& [reason, count] : source.sieve.dropped())
        observation.sample("log_dropped_total", labels("reason", reason), count);
}

}  // namespace medic
