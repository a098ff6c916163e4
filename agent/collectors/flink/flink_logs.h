// Flink's log files over its REST API, where no file of them is at hand: errors and stack traces of the job manager and
// of the task managers that fresh exceptions name become events. Flink hands out only whole files (it knows no ranges
// and no ETags), so this reads seldom and little: the job manager's at a slow interval, the others' only while a job is
// in trouble, so many files a look, none that is longer than a limit, of each the end. Asks, never acts.
//
// It is an extra eye: whether Flink answers at all is told by FlinkCollector, so a look of this one never counts as
// failed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/collectors/logs/sieve.h"
#include "agent/collectors/look.h"

namespace medic {

struct FlinkLogOptions {
    std::string cluster;
    std::string url;                               // Without a slash at the end.
    std::string target;                            // "lab/flink-logs", or with the address where a cluster has several.
    std::size_t file_bytes_max = 8 * 1024 * 1024;  // A longer file is not asked for, and that is told.
    std::size_t tail_bytes_max = 256 * 1024;       // So much of its end is kept of one answer …
    std::size_t first_bytes_max = 64 * 1024;       // … and so much of a file that was not read before.
    std::size_t files_per_look_max = 4;
    std::size_t jobs_max = 100;
    Duration file_every{60'000};           // The same file is not read again sooner,
    Duration quiet_every{10 * 60'000};     // and without trouble only the job manager's, so seldom.
    Duration trouble_lasts{5 * 60'000};    // After a job's newest exception.
    Duration first_past_max{15 * 60'000};  // Of a file's first reading: records that are older are left.
    SieveOptions limits;
};

class FlinkLogCollector : public HttpCollector {
public:
    explicit FlinkLogCollector(FlinkLogOptions options);
    ~FlinkLogCollector() override;

    const std::string& target() const override { return options_.target; }
    std::vector<HttpAsk> begin(WallTime at) override;
    std::vector<HttpAsk> answer(const HttpAsk& ask, const Result<HttpAnswer>& answer) override;
    Observation finish() override;

private:
    struct Look;     // What the look under way has gathered.
    struct Process;  // What is remembered of a process's log.

    std::vector<HttpAsk> on_jobs(const Result<HttpAnswer>& answer);
    void on_task_managers(const Result<HttpAnswer>& answer);
    void on_exceptions(const Result<HttpAnswer>& answer);
    std::vector<HttpAsk> on_files(const std::string& process, const Result<HttpAnswer>& answer);
    void on_file(const std::string& process, const Result<HttpAnswer>& answer);
    [[nodiscard]] std::vector<HttpAsk> files_due();
    void take(const std::string& process, std::string_view text);
    void tell();

    FlinkLogOptions options_;
    std::unique_ptr<Look> look_;
    std::map<std::string, Process> processes_;  // By id of the task manager; "" is the job manager.
    RecordSieve sieve_;
};

}  // namespace medic
