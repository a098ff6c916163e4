// Logs as events: what files and units of the journal have said since the last look, put together to records, kept when
// it is an error or a stack trace. Everything is bounded: bytes and lines of a look, records of a minute; what is over
// a bound is dropped and counted. Secrets are hidden before anything is kept. Reads only, on a thread that may wait.
//
// An event is about the node that wrote the line; its fields (component, connector, task, job_id) let Knowledge place
// it at the connector task, job, broker or worker it speaks of.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/collectors/logs/file_tail.h"
#include "agent/collectors/logs/record.h"
#include "agent/collectors/observation.h"

namespace medic {

struct LogSource {
    std::string path;       // A glob; "" = `unit`.
    std::string unit;       // A systemd unit, read from the journal.
    std::string node;       // Who writes it.
    std::string component;  // flink | kafka | connect
};

struct JournalLine {
    WallTime at;
    int priority = 6;  // syslog's: 3 is an error, 6 information.
    std::string text;
};

// The journal, behind an interface so that tests need none.
class JournalReader {
public:
    JournalReader() = default;
    JournalReader(const JournalReader&) = delete;
    JournalReader& operator=(const JournalReader&) = delete;
    virtual ~JournalReader() = default;
    // Lines since the last call, at most `lines_max`, oldest first. The first call begins at the journal's end.
    [[nodiscard]] virtual Result<std::vector<JournalLine>> read(std::size_t lines_max) = 0;
};
using OpenJournal = std::unique_ptr<JournalReader> (*)(const std::string& unit);
// libsystemd's, of this host. Errors show in read().
[[nodiscard]] std::unique_ptr<JournalReader> open_journal(const std::string& unit);

struct LogCollectorOptions {
    std::string cluster;
    std::string target;  // "lab/logs"
    std::vector<LogSource> sources;
    TailOptions tail;
    OpenJournal open_journal = &medic::open_journal;
    std::size_t files_max = 64;               // Of one glob.
    std::size_t lines_per_look_max = 20'000;  // Of one file or unit.
    std::size_t events_per_minute_max = 60;   // Of one source.
    Duration same_within{60'000};             // The same text again is counted, not kept.
    Duration glob_every{10'000};
};

class LogCollector {
public:
    explicit LogCollector(LogCollectorOptions options);
    ~LogCollector();

    [[nodiscard]] const std::string& target() const { return options_.target; }
    [[nodiscard]] Observation look(WallTime at);

private:
    struct Stream;  // One file or unit.
    struct Source;
    void find_files(Source& source, WallTime at);
    void read_file(Source& source, Stream& stream, WallTime at, Observation& observation);
    void read_unit(Source& source, Stream& stream, WallTime at, Observation& observation);
    void take(Source& source, const LogRecord& record, const std::string& from, WallTime at,
              Observation& observation) const;
    void tell(const Source& source, Observation& observation) const;

    LogCollectorOptions options_;
    std::vector<std::unique_ptr<Source>> sources_;
};

}  // namespace medic
