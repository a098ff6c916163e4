// Whole jobs on the tasks' own threads, without processes or sockets: barriers, restore, exactly-once, failures.
#include <condition_variable>
#include <filesystem>
#include <set>

#include <gtest/gtest.h>

#include "engine/flow/runtime/task.h"

namespace medic::engine::flow {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
constexpr auto patience = 60s;  // Of a machine that is busy with other things.

// Runs every subtask of a job in this process and plays the job manager's part.
class MiniJob final : public TaskHost {
public:
    using Build = std::function<void(Environment&)>;

    MiniJob(const Build& build, int parallelism, std::vector<std::string> restore = {}, std::int64_t generation = 1) {
        static const bool handlers = (install_fault_handlers({}), true);
        EXPECT_TRUE(handlers);
        auto environment = std::make_unique<Environment>();
        build(*environment);
        auto library = JobLibrary::of(std::move(environment),
                                      {.parallelism = parallelism, .settings = {{"execution.buffer-timeout", "5 ms"}}});
        if (!library) throw std::runtime_error(library.error().message);
        library_ = *library;
        const JobGraph& graph = library_->graph();
        std::map<std::pair<int, int>, std::shared_ptr<InputGate>> gates;
        const auto count = [&](std::size_t v) { return graph.vertices[v].parallelism; };
        for (std::size_t v = 0; v < graph.vertices.size(); ++v) {
            const int in = graph.vertices[v].in_edge;
            const int channels =
                in < 0 ? 0 : count(static_cast<std::size_t>(graph.edges[static_cast<std::size_t>(in)].source_vertex));
            for (int s = 0; s < count(v); ++s)
                gates[{static_cast<int>(v), s}] = std::make_shared<InputGate>(channels, 4);
        }
        for (std::size_t v = 0; v < graph.vertices.size(); ++v) {
            for (int s = 0; s < count(v); ++s) {
                TaskPlan plan{
                    library_, static_cast<int>(v), s,      0, "job", generation, gates.at({static_cast<int>(v), s}),
                    {},       !restore.empty(),    restore};
                for (const int edge : graph.vertices[v].out_edges) {
                    const int to = graph.edges[static_cast<std::size_t>(edge)].target_vertex;
                    std::vector<std::unique_ptr<FrameTarget>> targets;
                    for (int t = 0; t < count(static_cast<std::size_t>(to)); ++t)
                        targets.push_back(local_target(gates.at({to, t}), s));
                    plan.targets.push_back(std::move(targets));
                }
                tasks_.push_back(std::make_unique<Task>(std::move(plan), *this));
            }
        }
        for (const auto& task : tasks_) task->start();
        wait_for([&] { return running_ == tasks_.size() || !failures_.empty(); });
    }
    ~MiniJob() override { cancel(); }

    void cancel() {
        for (const auto& task : tasks_) task->cancel();
        tasks_.clear();
    }

    // Files of a complete checkpoint. `complete`: also tell the tasks.
    std::vector<std::string> checkpoint(const std::string& folder, std::int64_t id, bool complete,
                                        CheckpointMode mode = CheckpointMode::resume) {
        fs::create_directories(folder);
        {
            const std::lock_guard lock(mutex_);
            stored_.clear();
        }
        for (const auto& task : tasks_)
            if (task->vertex().in_edge < 0) task->gate().post({MailKind::trigger, id, 0, mode, folder});
        wait_for([&] { return stored_.size() == tasks_.size(); });
        if (complete) post({MailKind::complete, id});
        return {stored_.begin(), stored_.end()};
    }
    void post(const Mail& mail) {
        for (const auto& task : tasks_) task->gate().post(mail);
    }
    void finish() {
        post({MailKind::finish});
        wait_for([&] { return ended_ == tasks_.size(); });
    }
    void wait_exhausted() {
        std::size_t sources = 0;
        for (const auto& task : tasks_) sources += task->vertex().in_edge < 0;
        wait_for([&] { return exhausted_ == sources; });
    }
    template <class Condition>
    void wait_for(Condition condition) {
        std::unique_lock lock(mutex_);
        ASSERT_TRUE(changed_.wait_for(lock, patience, condition));
    }
    [[nodiscard]] std::vector<TaskFailure> failures() {
        const std::lock_guard lock(mutex_);
        return failures_;
    }
    void wait_failure() {
        wait_for([&] { return !failures_.empty(); });
    }
    [[nodiscard]] const std::vector<std::unique_ptr<Task>>& tasks() const { return tasks_; }

    void task_changed(Task&, TaskState state, const TaskFailure* failure) override {
        const std::lock_guard lock(mutex_);
        if (state == TaskState::running)
            ++running_;
        else
            ++ended_;
        if (failure) failures_.push_back(*failure);
        changed_.notify_all();
    }
    void task_snapshot(Task& task, SnapshotReport report) override {
        const std::string path = fmt::format("{}/{}-{}", report.folder, task.vertex().id, task.plan().subtask);
        const auto written = write_durably(path, report.bytes);
        const std::lock_guard lock(mutex_);
        if (written) stored_.insert(path);
        changed_.notify_all();
    }
    void task_exhausted(Task&) override {
        const std::lock_guard lock(mutex_);
        ++exhausted_;
        changed_.notify_all();
    }

private:
    std::shared_ptr<JobLibrary> library_;
    std::vector<std::unique_ptr<Task>> tasks_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t running_ = 0, ended_ = 0, exhausted_ = 0;
    std::vector<TaskFailure> failures_;
    std::set<std::string> stored_;
};

class TaskTest : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = fs::temp_directory_path().string() + "/medic-task-XXXXXX";
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
    }
    void TearDown() override { fs::remove_all(folder_); }

    // Sums per key and window, in files.
    [[nodiscard]] MiniJob::Build sums(std::int64_t records, double rate = 0) const {
        return [output = folder_ + "/out", records, rate](Environment& environment) {
            using Sum = std::pair<std::int64_t, std::int64_t>;
            environment
                .generator_source<std::int64_t>(
                    "numbers", {.partitions = 4, .records_per_partition = records, .records_per_second = rate},
                    [](int partition, std::int64_t index) { return index * 4 + partition; },
                    {.max_out_of_orderness_ms = 100, .timestamp = [](const std::int64_t& n) { return n; }})
                .key_by([](const std::int64_t& n) { return n % 50; })
                .window({.size_ms = 1'000})
                .aggregate<std::int64_t, Sum>(
                    "sum", [](std::int64_t& sum, const std::int64_t& n) { sum += n; },
                    [](const Window<std::int64_t>& w, const std::int64_t& sum, Collector<Sum>& out) {
                        out.emit({w.key + w.start * 50, sum});
                    })
                .sink_files("out", {.directory = output}, [](const Sum& sum) {
                    return std::to_string(sum.first) + " " + std::to_string(sum.second);
                });
        };
    }
    // What must come out for `records` per partition: numbers 0 … 4·records−1.
    [[nodiscard]] static std::multiset<std::string> expected(std::int64_t records) {
        std::map<std::int64_t, std::int64_t> sums;
        for (std::int64_t n = 0; n < records * 4; ++n) sums[n % 50 + window_start(n, 1'000) * 50] += n;
        std::multiset<std::string> lines;
        for (const auto& [key, sum] : sums) lines.insert(std::to_string(key) + " " + std::to_string(sum));
        return lines;
    }
    [[nodiscard]] std::multiset<std::string> committed() const {
        std::multiset<std::string> lines;
        for (const auto& entry : fs::directory_iterator(folder_ + "/out")) {
            if (entry.path().filename().string().starts_with(".")) continue;
            const auto text = read_file(entry.path().string());
            EXPECT_TRUE(text.has_value());
            for (std::size_t at = 0, end = 0; (end = text->find('\n', at)) != std::string::npos; at = end + 1)
                lines.insert(text->substr(at, end - at));
        }
        return lines;
    }
    std::string folder_;
};

TEST_F(TaskTest, ABoundedJobWritesEveryResultOnce) {
    MiniJob job(sums(2'000), 2);
    job.wait_exhausted();
    (void)job.checkpoint(folder_ + "/1", 1, true, CheckpointMode::stop);
    job.finish();
    EXPECT_EQ(committed(), expected(2'000));
}

TEST_F(TaskTest, GoesOnFromACheckpointAtHigherAndLowerParallelism) {
    std::vector<std::string> files;
    {
        MiniJob first(sums(3'000, 8'000), 2);
        files = first.checkpoint(folder_ + "/1", 1, true);
        files =
            first.checkpoint(folder_ + "/2", 2, false);  // The crash comes before anybody hears that it is complete.
    }
    {
        MiniJob second(sums(3'000, 8'000), 3, files, 2);
        files = second.checkpoint(folder_ + "/3", 3, true);
        (void)second.checkpoint(folder_ + "/4", 4, false);
    }
    MiniJob third(sums(3'000), 1, files, 3);
    third.wait_exhausted();
    (void)third.checkpoint(folder_ + "/5", 5, true, CheckpointMode::stop);
    third.finish();
    EXPECT_EQ(committed(), expected(3'000));
}

TEST_F(TaskTest, AnAbortedCheckpointLeavesNothingVisible) {
    std::vector<std::string> files;
    {
        MiniJob first(sums(2'000), 2);
        first.wait_exhausted();
        (void)first.checkpoint(folder_ + "/1", 1, false);  // Never complete: a restart begins anew.
    }
    EXPECT_EQ(committed(), std::multiset<std::string>{});
    MiniJob second(sums(2'000), 2, {}, 2);
    second.wait_exhausted();
    (void)second.checkpoint(folder_ + "/2", 1, true, CheckpointMode::stop);
    second.finish();
    EXPECT_EQ(committed(), expected(2'000));
}

TEST_F(TaskTest, DrainingFiresWindowsThatAreNotFull) {
    MiniJob job(sums(-1, 2'000), 2);
    const auto until = std::chrono::steady_clock::now() + patience;
    while (job.tasks()[0]->metrics().records_in.get() == 0 && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(5ms);
    (void)job.checkpoint(folder_ + "/1", 1, true, CheckpointMode::drain);
    job.finish();
    EXPECT_FALSE(committed().empty());
}

TEST_F(TaskTest, StoppingWithoutDrainingKeepsOpenWindowsForTheRestore) {
    MiniJob job(sums(-1, 2'000), 2);
    const auto until = std::chrono::steady_clock::now() + patience;
    while (job.tasks()[0]->metrics().records_in.get() == 0 && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(5ms);
    (void)job.checkpoint(folder_ + "/1", 1, true, CheckpointMode::stop);
    const TaskMetrics& source = job.tasks()[0]->metrics();
    const std::uint64_t stopped_at = source.records_in.get(), sent = source.buffers_out.get();
    job.finish();
    EXPECT_EQ(source.records_in.get(), stopped_at) << "a stopped source reads no more";
    EXPECT_EQ(source.buffers_out.get(), sent) << "whoever would get it may have finished already";
}

TEST_F(TaskTest, ACheckpointKnowsWhereAPartitionWithoutARecordBegins) {
    MiniJob job(sums(-1, 1e-6), 1);
    const auto files = job.checkpoint(folder_ + "/1", 1, false);
    const auto states = read_snapshots(files, key_groups_of_subtask(0, 1, default_max_parallelism));
    ASSERT_TRUE(states);
    std::vector<std::int64_t> offsets;
    states->at("numbers").each_list([&](std::string_view item) {
        ByteReader from(item);
        (void)from.number<std::int32_t>();
        offsets.push_back(from.number<std::int64_t>());
    });
    EXPECT_EQ(offsets, (std::vector<std::int64_t>(4, 0)));
}

TEST_F(TaskTest, AnExceptionIsReportedWithTypeTextAndRecord) {
    MiniJob job(
        [](Environment& environment) {
            environment
                .generator_source<std::int64_t>("numbers", {.partitions = 1},
                                                [](int, std::int64_t index) { return index; })
                .map("check",
                     [](const std::int64_t& n) {
                         if (n == 77) throw std::out_of_range("seventy-seven");
                         return n;
                     })
                .key_by([](const std::int64_t& n) { return n; })
                .process<int, int>("nothing", [](const std::int64_t&, int&, const std::int64_t&, Collector<int>&) {});
        },
        2);
    job.wait_failure();
    EXPECT_EQ(job.failures()[0].exception, "std::out_of_range");
    EXPECT_TRUE(job.failures()[0].stack_trace.starts_with(
        "std::out_of_range: seventy-seven while handling a record of topic 'numbers' partition 0 offset 77\n"))
        << job.failures()[0].stack_trace;
}

TEST_F(TaskTest, TheRecordIsKnownBehindAnExchangeToo) {
    MiniJob job(
        [](Environment& environment) {
            environment
                .generator_source<std::int64_t>("numbers", {.partitions = 2},
                                                [](int partition, std::int64_t index) { return index * 2 + partition; })
                .key_by([](const std::int64_t& n) { return n; })
                .process<int, int>("check", [](const std::int64_t&, int&, const std::int64_t& n, Collector<int>&) {
                    if (n == 2001) throw std::runtime_error("no");
                });
        },
        2);
    job.wait_failure();
    EXPECT_NE(job.failures()[0].stack_trace.find("topic 'numbers' partition 1 offset 1000"), std::string::npos)
        << job.failures()[0].stack_trace;
}

TEST_F(TaskTest, ATaskWhoseSinkWaitsHoldsBackItsSourceAndSaysSo) {
    std::atomic<bool> open = false;
    {
        MiniJob job(
            [&open](Environment& environment) {
                environment
                    .generator_source<std::string>("words", {.partitions = 1},
                                                   [](int, std::int64_t) { return std::string(100, 'x'); })
                    .key_by([](const std::string& s) { return s; })
                    .process<int, int>("wait", [&open](const std::string&, int&, const std::string&, Collector<int>&,
                                                       Context& context) {
                        while (!open && !context.cancelled()) std::this_thread::sleep_for(1ms);
                    });
            },
            1);
        const TaskMetrics& source = job.tasks()[0]->metrics();
        const auto until = std::chrono::steady_clock::now() + patience;
        while (source.backpressured.total_ns() < 50'000'000 && std::chrono::steady_clock::now() < until)
            std::this_thread::sleep_for(5ms);
        EXPECT_GE(source.backpressured.total_ns(), 50'000'000);
        EXPECT_LT(source.records_out.get(), 20'000U) << "bounded by the frames of the channel";
        EXPECT_EQ(job.tasks()[1]->metrics().backpressured.total_ns(), 0);
    }
}

TEST_F(TaskTest, LateRecordsAreCountedAndGoToTheSideOutput) {
    MiniJob job(
        [output = folder_ + "/out"](Environment& environment) {
            const auto windows = environment
                                     .generator_source<std::int64_t>(
                                         "numbers", {.partitions = 1, .records_per_partition = 100'000},
                                         [](int, std::int64_t index) { return index % 1'000 == 999 ? 5 : index; },
                                         {.timestamp = [](const std::int64_t& n) { return n; }})
                                     .key_by([](const std::int64_t&) { return 1; })
                                     .window({.size_ms = 100})
                                     .aggregate<std::int64_t, std::int64_t>(
                                         "count", [](std::int64_t& count, const std::int64_t&) { ++count; },
                                         [](const Window<int>&, const std::int64_t& count,
                                            Collector<std::int64_t>& out) { out.emit(count); });
            windows.late().sink_files("late", {.directory = output},
                                      [](const std::int64_t& n) { return std::to_string(n); });
        },
        1, {}, 1);
    job.wait_exhausted();
    (void)job.checkpoint(folder_ + "/1", 1, true, CheckpointMode::stop);
    const std::uint64_t late = job.tasks()[1]->metrics().operators[0]->late_records_dropped.get();
    job.finish();
    const auto lines = committed();
    EXPECT_EQ(lines.size(), late);
    for (const std::string& line : lines) EXPECT_EQ(line, "5");
}

}  // namespace
}  // namespace medic::engine::flow
