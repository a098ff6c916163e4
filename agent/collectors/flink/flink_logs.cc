#include "agent/collectors/flink/flink_logs.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "agent/base/due.h"
#include "agent/base/flink_state.h"
#include "agent/collectors/json_internal.h"

namespace medic {

using namespace json_read;

namespace {

const std::string job_manager;  // Its key among the processes.

// Ids and file names go into addresses as they are: what holds other signs is not asked for.
bool plain(std::string_view name) {
    constexpr std::size_t bytes_max = 256;
    return !name.empty() && name.size() <= bytes_max && name.find("..") == std::string_view::npos &&
           std::ranges::all_of(name, [](unsigned char c) {
               return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_' || c == ':' || c == '@';
           });
}

std::string shown(const std::string& process) {
    return process == job_manager ? "the job manager" : "task manager " + process;
}

struct File {
    std::string name;
    std::int64_t size = 0, written_ms = 0;  // 0: not told.
};

// Of the files that a process offers, its own log: *.log that is neither of the garbage collector nor of a client, the
// one written last.
std::optional<File> own_log(const Json& list) {
    constexpr std::array<std::string_view, 3> others = {"gc", "client", "access"};
    std::optional<File> best;
    for (const Json& entry : array(list, "logs")) {
        File file{text(entry, "name"), integer(entry, "size").value_or(-1), integer(entry, "mtime").value_or(0)};
        if (!file.name.ends_with(".log") || !plain(file.name) || file.size < 0) continue;
        if (std::ranges::any_of(others, [&](std::string_view one) { return file.name.starts_with(one); })) continue;
        if (!best || std::pair(file.written_ms, file.size) > std::pair(best->written_ms, best->size))
            best = std::move(file);
    }
    return best;
}

// Lines carry the zone of the host that wrote them. The file was written last when its last record was: how far the two
// are apart, in quarters of an hour, is the zone.
Duration zone_of(const std::vector<LogRecord>& records, std::int64_t written_ms) {
    constexpr std::int64_t quarter_ms = 15 * 60'000, zone_max_ms = 26 * 3'600'000;
    const auto last = std::ranges::find_if(records.rbegin(), records.rend(),
                                           [](const LogRecord& record) { return record.at.unix_ms > 0; });
    if (written_ms <= 0 || last == records.rend()) return Duration{0};
    const std::int64_t apart = written_ms - last->at.unix_ms;
    const std::int64_t rounded = (apart + (apart < 0 ? -quarter_ms : quarter_ms) / 2) / quarter_ms * quarter_ms;
    return Duration{std::abs(rounded) > zone_max_ms ? 0 : rounded};
}

}  // namespace

struct FlinkLogCollector::Process {
    std::string file;
    std::uint64_t read_to = 0;  // Up to the end of the last whole line.
    bool read_before = false;
    WallTime looked_at{0};
    std::int64_t written_ms = 0;
};

struct FlinkLogCollector::Look {
    Observation observation;
    std::size_t open = 0;  // Answers that decide which files are read, and have not come yet.
    std::set<std::string> present;
    bool trouble = false;
    std::set<std::string> named;  // Task managers that fresh exceptions name.
};

FlinkLogCollector::FlinkLogCollector(FlinkLogOptions options) : options_(std::move(options)), sieve_(options_.limits) {}
FlinkLogCollector::~FlinkLogCollector() = default;

std::vector<HttpAsk> FlinkLogCollector::begin(WallTime at) {
    look_ = std::make_unique<Look>();
    look_->observation.target = options_.target;
    look_->observation.at = at;
    look_->open = 2;
    return {{options_.url + "/jobs/overview", "jobs"}, {options_.url + "/taskmanagers", "taskmanagers"}};
}

std::vector<HttpAsk> FlinkLogCollector::answer(const HttpAsk& ask, const Result<HttpAnswer>& answer) {
    if (look_ == nullptr) return {};
    const auto bar = ask.purpose.find('|');
    const std::string kind = ask.purpose.substr(0, bar);
    const std::string process = bar == std::string::npos ? "" : ask.purpose.substr(bar + 1);
    if (kind == "files") return on_files(process, answer);
    if (kind == "file") {
        on_file(process, answer);
        return {};
    }
    std::vector<HttpAsk> more;
    if (kind == "jobs") more = on_jobs(answer);
    if (kind == "taskmanagers") on_task_managers(answer);
    if (kind == "exceptions") on_exceptions(answer);
    look_->open += more.size();
    if (--look_->open == 0) return files_due();
    return more;
}

std::vector<HttpAsk> FlinkLogCollector::on_jobs(const Result<HttpAnswer>& answer) {
    const auto parsed = document(answer);
    if (!parsed) {
        look_->observation.lacks("jobs: " + parsed.error().message);
        return {};
    }
    std::vector<HttpAsk> asks;
    for (const Json& job : array(*parsed, "jobs")) {
        const std::string id = text(job, "jid"), state = text(job, "state");
        const std::int64_t end_ms = integer(job, "end-time").value_or(-1);
        const bool ended = is_terminal_job_state(state);
        const bool long_ago = end_ms > 0 && look_->observation.at - WallTime{end_ms} > options_.trouble_lasts;
        if (!plain(id) || (ended && (state != "FAILED" || long_ago))) continue;
        look_->trouble = look_->trouble || state == "FAILED" || state == "FAILING" || state == "RESTARTING";
        constexpr std::string_view newest = "/exceptions?maxExceptions=5";
        if (asks.size() < options_.jobs_max)
            asks.push_back({options_.url + "/jobs/" + id + std::string(newest), "exceptions"});
    }
    return asks;
}

void FlinkLogCollector::on_task_managers(const Result<HttpAnswer>& answer) {
    const auto parsed = document(answer);
    if (!parsed || member(*parsed, "taskmanagers") == nullptr)
        return look_->observation.lacks("taskmanagers: " + (parsed ? "no list" : parsed.error().message));
    for (const Json& one : array(*parsed, "taskmanagers"))
        if (std::string id = text(one, "id"); plain(id)) look_->present.insert(std::move(id));
    // Each start of a task manager gives a new id: what is gone does not come back.
    std::erase_if(processes_, [&](const auto& entry) {
        return entry.first != job_manager && !look_->present.contains(entry.first);
    });
}

void FlinkLogCollector::on_exceptions(const Result<HttpAnswer>& answer) {
    const auto parsed = document(answer);
    // A job that has ended between two questions answers 404: there is nothing to read of it.
    if (!parsed) return;
    const Json* history = member(*parsed, "exceptionHistory");
    if (history == nullptr) return;
    const auto note = [&](const Json& entry) {
        const WallTime thrown{integer(entry, "timestamp").value_or(0)};
        if (look_->observation.at - thrown > options_.trouble_lasts) return;
        look_->trouble = true;
        if (const std::string id = text(entry, "taskManagerId"); !id.empty()) look_->named.insert(id);
    };
    for (const Json& entry : array(*history, "entries")) {
        note(entry);
        for (const Json& other : array(entry, "concurrentExceptions")) note(other);
    }
}

// The job manager's first, then those that were named, the longest unread first.
std::vector<HttpAsk> FlinkLogCollector::files_due() {
    const WallTime at = look_->observation.at;
    std::vector<std::pair<WallTime, std::string>> due;
    const auto add = [&](const std::string& process, Duration every) {
        const WallTime before = processes_[process].looked_at;
        if (is_due(before, every, at)) due.emplace_back(before, process);
    };
    // Who is no longer registered can't be asked: its files are out of reach from here.
    for (const std::string& id : look_->named)
        if (look_->present.contains(id)) add(id, options_.file_every);
    std::ranges::sort(due);
    const auto named = std::exchange(due, {});
    add(job_manager, look_->trouble ? options_.file_every : options_.quiet_every);
    due.insert(due.end(), named.begin(), named.end());
    std::vector<HttpAsk> asks;
    for (const auto& [before, process] : due) {
        if (asks.size() >= options_.files_per_look_max) break;
        processes_[process].looked_at = at;
        const std::string base = process == job_manager ? "/jobmanager" : "/taskmanagers/" + process;
        asks.push_back({options_.url + base + "/logs", "files|" + process});
    }
    return asks;
}

std::vector<HttpAsk> FlinkLogCollector::on_files(const std::string& process, const Result<HttpAnswer>& answer) {
    Observation& observation = look_->observation;
    const auto parsed = document(answer);
    if (!parsed) {
        // It has left between two questions.
        const bool gone = answer && answer->status == 404 && process != job_manager;
        if (!gone) observation.lacks("logs of " + shown(process) + ": " + parsed.error().message);
        return {};
    }
    const auto file = own_log(*parsed);
    if (!file) {
        if (look_->trouble) observation.lacks(shown(process) + " offers no log file: does it log to the console only?");
        return {};
    }
    Process& known = processes_[process];
    const auto size = static_cast<std::uint64_t>(file->size);
    if (known.file != file->name || size < known.read_to) known = {.file = file->name, .looked_at = known.looked_at};
    known.written_ms = file->written_ms;
    if (known.read_before && size == known.read_to) return {};
    if (size > options_.file_bytes_max) {
        sieve_.drop("file-over-limit", 1);
        observation.lacks(shown(process) + ": " + file->name + " has " + std::to_string(size) + " bytes, over " +
                          std::to_string(options_.file_bytes_max) +
                          "; Flink hands out only whole files, so it is not read: where the agent sees the file, name "
                          "it under `logs`");
        return {};
    }
    const std::string base = process == job_manager ? "/jobmanager" : "/taskmanagers/" + process;
    return {{.url = options_.url + base + "/logs/" + file->name,
             .purpose = "file|" + process,
             .bytes_max = options_.file_bytes_max,
             .tail_bytes = options_.tail_bytes_max}};
}

void FlinkLogCollector::on_file(const std::string& process, const Result<HttpAnswer>& answer) {
    Process& known = processes_[process];
    if (!answer || answer->status != 200) {
        const bool gone = answer && answer->status == 404 && process != job_manager;
        if (!gone)
            look_->observation.lacks(
                "log of " + shown(process) + ": " +
                (answer ? "HTTP status " + std::to_string(answer->status) : answer.error().message));
        return;
    }
    const std::string_view body = answer->body;
    const std::uint64_t base = answer->left_out_bytes, total = base + body.size();
    const bool goes_on = known.read_before && total >= known.read_to;
    std::uint64_t from = std::max(base, goes_on                            ? known.read_to
                                        : total > options_.first_bytes_max ? total - options_.first_bytes_max
                                                                           : 0);
    if (goes_on && from > known.read_to) sieve_.drop("bytes-over-limit", static_cast<double>(from - known.read_to));
    std::string_view text = body.substr(static_cast<std::size_t>(from - base));
    // In the middle of a line, unless that is where the last reading ended or the file begins.
    if (from > 0 && !(goes_on && from == known.read_to)) {
        const auto line_end = text.find('\n');
        text.remove_prefix(line_end == std::string_view::npos ? text.size() : line_end + 1);
    }
    const auto whole = text.rfind('\n');
    text = text.substr(0, whole == std::string_view::npos ? 0 : whole + 1);
    if (whole != std::string_view::npos) known.read_to = base + static_cast<std::uint64_t>(text.end() - body.begin());
    take(process, text);
    known.read_before = true;
}

void FlinkLogCollector::take(const std::string& process, std::string_view text) {
    const WallTime at = look_->observation.at;
    Process& known = processes_[process];
    RecordJoiner joiner;
    std::vector<LogRecord> records;
    const WallTime no_time{0};
    for (std::size_t from = 0; from < text.size();) {
        const auto end = std::min(text.find('\n', from), text.size());
        const auto clean = clean_line(text.substr(from, end - from));
        from = end + 1;
        if (!clean)
            sieve_.drop("binary", 1);
        else if (auto record = joiner.add(*clean, no_time))
            records.push_back(std::move(*record));
    }
    if (auto record = joiner.end()) records.push_back(std::move(*record));
    const Duration zone = zone_of(records, known.written_ms);
    for (LogRecord& record : records) {
        record.at = record.at.unix_ms > 0 ? record.at + zone : at;
        if (!known.read_before && at - record.at > options_.first_past_max) continue;
        Event event{.at = at,
                    .subject = process == job_manager ? Subject{options_.cluster, "cluster", options_.cluster}
                                                      : Subject{options_.cluster, "taskmanager", process},
                    .kind = "",
                    .text = "",
                    .fields = {{"component", "flink"}, {"source", shown(process) + "'s " + known.file}},
                    .id = ""};
        if (process != job_manager) event.fields["taskmanager"] = process;
        auto kept = sieve_.take(record, at, std::move(event), options_.target + "/" + process + "/" + known.file);
        // A stop in good order is told by who sees the process; what is read here may be of the process before it.
        if (kept && kept->kind == "log") look_->observation.events.push_back(*std::move(kept));
    }
}

void FlinkLogCollector::tell() {
    const auto labels = [&](const char* name, const std::string& value) {
        return std::vector<LabelPair>{
            {"cluster", options_.cluster}, {"component", "flink"}, {name, value}, {"source", options_.url}};
    };
    for (const auto& [level, count] : sieve_.records())
        look_->observation.sample("log_records_total", labels("level", level.empty() ? "unknown" : level), count);
    for (const auto& [reason, count] : sieve_.dropped())
        look_->observation.sample("log_dropped_total", labels("reason", reason), count);
}

Observation FlinkLogCollector::finish() {
    tell();
    Observation done = std::move(look_->observation);
    look_.reset();
    return done;
}

}  // namespace medic
