// A task's process. The main thread is the control thread: it talks with the worker over the link and reports what was
// measured, also while the working thread hangs inside the connector's code.
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <deque>
#include <thread>

#include <nlohmann/json.hpp>

#include "engine/common/log.h"
#include "engine/common/options_internal.h"
#include "engine/common/signals.h"
#include "engine/common/throw_trace.h"
#include "engine/connect/config_store.h"
#include "engine/connect/connect.h"
#include "engine/connect/error_reporter.h"
#include "engine/connect/group_offsets.h"
#include "engine/connect/link.h"
#include "engine/connect/runner.h"

namespace medic::engine {
namespace {

using namespace connect;
using nlohmann::json;

constexpr int link_fd = 3;
constexpr int report_interval_ms = 250;
constexpr int writer_patience_ms = 2'000;  // ms that a write under way gets after a stop, before it is abandoned.
constexpr std::chrono::minutes last_reports_patience{10};  // With a worker that lives and does not read: a frozen one.

struct TaskStart {
    Config config;
    std::string bootstrap, data_dir;
    std::int64_t flush_ms = 60'000;
    bool paused = false;
};

class TaskProcess {
public:
    TaskProcess(TaskKey key, TaskStart start, const Plugin& plugin)
        : key_(std::move(key)),
          start_(std::move(start)),
          plugin_(plugin),
          metrics_(plugin.type),
          done_fd_(eventfd(0, EFD_CLOEXEC)) {
        pause_ = start_.paused;
    }

    int run(Link& link) {
        std::thread worker([this] { work(); });
        control(link);
        worker.join();
        send_last_reports(link);
        close(done_fd_);
        return failed_ ? 1 : 0;
    }

private:
    // Until the working thread has ended. A stop only asks it to end: code that hangs, hangs.
    void control(Link& link) {
        const StopSignal stop_signal;
        bool link_open = true, signalled = false;
        int reports_since_stop = 0;
        while (true) {
            pollfd fds[] = {{done_fd_, POLLIN, 0},
                            {signalled ? -1 : stop_signal.fd(), POLLIN, 0},
                            {link_open ? link.fd() : -1, POLLIN, 0}};
            poll(fds, 3, report_interval_ms);
            if (fds[0].revents) return;
            if (fds[1].revents) {
                signalled = true;
                ask_to_stop();
            }
            if (fds[2].revents) {
                std::vector<std::string> lines;
                link_open = link.receive(lines);
                for (const auto& line : lines) obey(line);
                if (!link_open) ask_to_stop();  // The worker is gone.
            }
            if (stop_ && ++reports_since_stop == writer_patience_ms / report_interval_ms) interrupt_writer();
            send_reports(link);
        }
    }

    void interrupt_writer() {
        const std::lock_guard lock(mutex_);
        if (writer_) writer_->interrupt();
    }

    void obey(const std::string& line) {
        const json message = json::parse(line, nullptr, false);
        const auto kind = message.is_object() ? message.value("t", std::string()) : std::string();
        if (kind == "stop") ask_to_stop();
        if (kind == "pause") pause_ = true;
        if (kind == "resume") pause_ = false;
    }

    // What the worker has no room for waits for the next time; of the metrics the next ones will do.
    void send_reports(Link& link) {
        if (send_news(link)) link.send(json{{"t", "metrics"}, {"values", metrics_.values()}}.dump());
    }

    // The offsets first: who reads that the task is paused finds those of its last batch. True: all of it is on its
    // way.
    bool send_news(Link& link) {
        const std::lock_guard lock(mutex_);
        if (!offsets_.empty()) {
            if (!link.send(offsets_)) return false;
            offsets_.clear();
        }
        while (!reports_.empty()) {
            if (!link.send(reports_.front())) return false;
            reports_.pop_front();
        }
        return true;
    }

    // Why a task failed is told once: a worker that does not read at the moment must hear of it when it does.
    void send_last_reports(Link& link) {
        const auto give_up_at = std::chrono::steady_clock::now() + last_reports_patience;
        while (!send_news(link) || !link.flush()) {
            pollfd entry{link.fd(), POLLOUT, 0};
            poll(&entry, 1, report_interval_ms);
            if ((entry.revents & (POLLHUP | POLLERR)) || std::chrono::steady_clock::now() >= give_up_at) return;
        }
        send_reports(link);
    }

    void report(const json& message) {
        const std::lock_guard lock(mutex_);
        reports_.push_back(message.dump(-1, ' ', false, json::error_handler_t::replace));
    }

    TaskContext make_context() {
        TaskContext context;
        context.key = key_;
        context.config = start_.config;
        context.config["task.id"] = std::to_string(key_.task);
        context.flush = std::chrono::milliseconds(start_.flush_ms);
        context.stop = &stop_;
        context.pause = &pause_;
        context.metrics = &metrics_;
        context.on_state = [this](State state) {
            metrics_.state(state);
            report({{"t", "state"}, {"state", to_string(state)}});
        };
        context.on_offsets = [this](const std::vector<SourceOffset>& offsets, const std::vector<std::string>& topics) {
            json entries = json::array();
            for (const auto& offset : offsets)
                entries.push_back(
                    {{"partition", json::parse(offset.partition_json)}, {"offset", json::parse(offset.offset_json)}});
            const std::lock_guard lock(mutex_);  // Only the latest is worth telling.
            offsets_ = json{{"t", "offsets"}, {"offsets", entries}, {"topics", topics}}.dump(
                -1, ' ', false, json::error_handler_t::replace);
        };
        context.store_offset = [this](const SourceOffset& offset) {
            return save_source_offset(start_.data_dir, key_, offset);
        };
        return context;
    }

    std::vector<std::string> bootstrap() const { return list_option({{"", start_.bootstrap}}, ""); }

    ReaderOptions reader_options(const std::string& client_id) const {
        ReaderOptions options;
        options.kafka = {bootstrap(), client_id};
        options.group = group_of(key_.connector);
        // Unlike a Java worker's threads a task here can be killed by itself; its successor must not wait for the
        // session time-out.
        options.instance_id = fmt::format("{}-{}", options.group, key_.task);
        options.topics = list_option(start_.config, "topics");
        options.read_committed = text_option(start_.config, "consumer.override.isolation.level") == "read_committed";
        options.poll_records_max =
            static_cast<std::size_t>(number_option(start_.config, "consumer.override.max.poll.records", 500));
        return options;
    }

    KafkaWriter& take_writer(const std::string& client_id) {
        const std::lock_guard lock(mutex_);
        writer_ = make_kafka_writer({bootstrap(), client_id});
        if (stop_) writer_->interrupt();
        return *writer_;
    }

    KafkaReader& take_reader(const std::string& client_id) {
        const std::lock_guard lock(mutex_);
        reader_ = make_kafka_reader(reader_options(client_id));
        if (stop_) reader_->interrupt();
        return *reader_;
    }

    void ask_to_stop() {
        stop_ = true;
        const std::lock_guard lock(mutex_);
        if (reader_) reader_->interrupt();
    }

    void work() {
        try {
            TaskContext context = make_context();
            const std::string client_id =
                fmt::format("connector-{}-{}-{}", plugin_.type == ConnectorType::source ? "producer" : "consumer",
                            key_.connector, key_.task);
            if (plugin_.type == ConnectorType::source) {
                auto resume = load_source_offset(start_.data_dir, key_);
                if (!resume)
                    throw NamedException("org.apache.kafka.connect.errors.ConnectException", resume.error().message);
                context.resume_after = *std::move(resume);
                const auto task = plugin_.make_source();
                run_source(context, *task, take_writer(client_id));
            } else {
                const auto task = plugin_.make_sink();
                // Connect's name for it: connector-dlq-producer-CONNECTOR-TASK.
                KafkaWriter* dead_letters =
                    dead_letter_topic(start_.config).empty()
                        ? nullptr
                        : &take_writer(fmt::format("connector-dlq-producer-{}-{}", key_.connector, key_.task));
                run_sink(context, *task, take_reader(client_id), dead_letters);
            }
        } catch (...) {
            fail_with(describe_current_exception());
        }
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = write(done_fd_, &one, sizeof one);
    }

    void fail_with(const std::string& cause) {
        failed_ = true;
        metrics_.state(State::failed);
        const std::string_view kind = plugin_.type == ConnectorType::source ? "WorkerSourceTask" : "WorkerSinkTask";
        const std::string trace = fmt::format(
            "org.apache.kafka.connect.errors.ConnectException: Exiting {} due to unrecoverable exception.\nCaused by: "
            "{}",
            kind, cause);
        log_error("connect-task",
                  "{} Task threw an uncaught and unrecoverable exception. Task is being killed and will not recover "
                  "until manually "
                  "restarted\n{}",
                  fmt::format("{}{{id={}}}", kind, to_string(key_)), trace);
        report({{"t", "failed"}, {"trace", trace}});
    }

    const TaskKey key_;
    const TaskStart start_;
    const Plugin& plugin_;
    TaskMetrics metrics_;
    const int done_fd_;
    std::atomic<bool> stop_ = false, pause_ = false, failed_ = false;
    std::mutex mutex_;
    std::deque<std::string> reports_;  // A few states and at most one failure.
    std::string offsets_;
    // Used by the working thread; the control thread may interrupt them. A sink writes only its dead letters.
    std::unique_ptr<KafkaWriter> writer_;
    std::unique_ptr<KafkaReader> reader_;
};

// The worker's first line. nullopt: the link closed before it came.
std::optional<TaskStart> read_start(Link& link) {
    std::vector<std::string> lines;
    while (lines.empty()) {
        pollfd entry{link.fd(), POLLIN, 0};
        if (poll(&entry, 1, 10'000) != 1 || !link.receive(lines)) return std::nullopt;
    }
    try {
        const json message = json::parse(lines.front());
        return TaskStart{message.at("config").get<Config>(), message.at("bootstrap").get<std::string>(),
                         message.at("data_dir").get<std::string>(), message.at("flush_ms").get<std::int64_t>(),
                         message.at("paused").get<bool>()};
    } catch (const json::exception& error) {
        log_error("connect-task", "start message not understood: {}", error.what());
        return std::nullopt;
    }
}

}  // namespace

int run_connect_task(std::span<char*> args) {
    CLI::App app("One connector task; started by connect-worker, which talks with it over file descriptor 3");
    TaskKey key;
    app.add_option("--connector", key.connector, "Name of the connector")->required();
    app.add_option("--task", key.task, "Number of the task")->required();
    if (const auto exit_code = parse_options(app, args)) return *exit_code;
    // As a thread of a JVM, a task does not outlive its worker, however that ends.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    Link link(link_fd);
    const auto start = read_start(link);
    if (!start) return 1;
    const Plugin* plugin = find_plugin(text_option(start->config, "connector.class"));
    if (!plugin) return 1;
    return TaskProcess(key, *start, *plugin).run(link);
}

}  // namespace medic::engine
