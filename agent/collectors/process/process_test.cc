#include "agent/collectors/process/process.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "agent/collectors/recorded_internal.h"

namespace medic {
namespace {

using recorded::value;

// A /proc of our own, so that the test says what the kernel says.
struct Proc {
    std::filesystem::path folder;
    Proc() {
        std::string name = (std::filesystem::temp_directory_path() / "proc-XXXXXX").string();
        folder = mkdtemp(name.data());
        write("stat", "cpu  100 0 100 800 0 0 0 0\nbtime 1700000000\n");
        write("meminfo", "MemTotal: 9 kB\nMemAvailable:  2000 kB\n");
    }
    ~Proc() { std::filesystem::remove_all(folder); }
    void write(const std::string& path, const std::string& text) const {
        std::filesystem::create_directories((folder / path).parent_path());
        std::ofstream(folder / path) << text;
    }
    // 22 start ticks, 14 and 15 CPU ticks, 24 resident pages.
    void process(int pid, char state, int cpu_ticks, int start_ticks) const {
        write(std::to_string(pid) + "/stat", std::to_string(pid) + " (a (b) c) " + state + " 1 1 1 0 -1 0 0 0 0 0 " +
                                                 std::to_string(cpu_ticks) + " 50 0 0 20 0 1 0 " +
                                                 std::to_string(start_ticks) + " 999 10 0\n");
        std::filesystem::create_directories(folder / std::to_string(pid) / "fd");
    }
    [[nodiscard]] ProcessCollector collector(const std::string& role) const {
        return ProcessCollector(
            {.cluster = "c",
             .target = "c/process",
             .nodes = {{.name = "n", .role = role, .zone = "z", .spare = false, .status_command = {"ctl", "status"}}},
             .proc = folder.string()});
    }
};

const std::string labels = R"({cluster="c",node="n",role="taskmanager"})";

TEST(Process, EachNodesDriverIsGivenItsOwnTime) {
    ClusterConfig cluster{.name = "c"};
    for (const std::int64_t ms : {500, 30'000}) {
        NodeConfig& node = cluster.nodes.emplace_back();
        node.name = std::to_string(ms);
        node.driver.commands["status"] = {"ctl"};
        node.driver.timeout = Duration{ms};
    }
    ProcessCollector collector(process_options_of(cluster));
    const auto asks = collector.due({1000});
    ASSERT_EQ(asks.size(), 2u);
    EXPECT_EQ(asks[0].timeout, Duration{500});
    EXPECT_EQ(asks[1].timeout, Duration{30'000});
}

TEST(Process, ALivingProcessIsMeasured) {
    Proc proc;
    proc.process(7, 'S', 150, 500);
    auto collector = proc.collector("taskmanager");
    const auto asks = collector.due({1000});
    ASSERT_EQ(asks.size(), 1u);
    EXPECT_EQ(asks[0].argv, (std::vector<std::string>{"ctl", "status"}));
    collector.answer("n", R"({"pid": 7, "start_time": 1700000005.1, "state": "running", "spare": true})", {1000});
    const auto seen = collector.look({2000});
    EXPECT_EQ(seen.outcome, ScrapeOutcome::complete) << seen.error;
    EXPECT_EQ(value(seen, "process_up" + labels), 1);
    EXPECT_EQ(value(seen, "process_cpu_seconds_total" + labels), 2.0);
    EXPECT_EQ(value(seen, "process_start_time_seconds" + labels), 1700000005.0);
    EXPECT_EQ(value(seen, "process_resident_memory_bytes" + labels), 40960);
    EXPECT_EQ(value(seen, "process_stopped" + labels), 0);
    EXPECT_EQ(value(seen, R"(host_memory_available_bytes{cluster="c",node="agent-host"})"), 2000 * 1024);
    EXPECT_EQ(seen.attributes.at({"c", "node", "n"}).at("spare"), "true");
    EXPECT_TRUE(collector.due({3000}).empty());
    EXPECT_EQ(collector.due({40'000}).size(), 1u);
}

TEST(Process, BeforeTheFirstAnswerNothingIsClaimed) {
    Proc proc;
    auto collector = proc.collector("taskmanager");
    (void)collector.due({1000});
    collector.answer("n", fail(ErrorCode::unavailable, "no such program"), {1000});
    const auto seen = collector.look({2000});
    EXPECT_EQ(seen.outcome, ScrapeOutcome::partial);
    EXPECT_EQ(value(seen, "process_up" + labels), std::nullopt);
    EXPECT_NE(seen.error.find("no such program"), std::string::npos);
}

TEST(Process, ADeadProcessIsToldAndItsDriverAskedAtOnce) {
    Proc proc;
    proc.process(7, 'S', 150, 500);
    auto collector = proc.collector("taskmanager");
    (void)collector.due({1000});
    collector.answer("n", R"({"pid": 7})", {1000});
    (void)collector.look({2000});
    std::filesystem::remove_all(proc.folder / "7");
    EXPECT_EQ(value(collector.look({3000}), "process_up" + labels), 0);
    EXPECT_EQ(collector.due({3100}).size(), 1u);
}

TEST(Process, ARecycledPidAndAZombieAreNotTheProcess) {
    Proc proc;
    proc.process(7, 'S', 1, 90'000);
    auto collector = proc.collector("taskmanager");
    (void)collector.due({1000});
    collector.answer("n", R"({"pid": 7, "start_time": 1700000005})", {1000});
    EXPECT_EQ(value(collector.look({2000}), "process_up" + labels), 0);
    proc.process(8, 'Z', 1, 500);
    collector.answer("n", R"({"pid": 8})", {2000});
    EXPECT_EQ(value(collector.look({3000}), "process_up" + labels), 0);
}

TEST(Process, AProcessStaysItselfWhenTheClockIsSet) {
    Proc proc;
    proc.process(7, 'S', 150, 500);
    auto collector = proc.collector("taskmanager");
    (void)collector.due({1000});
    collector.answer("n", R"({"pid": 7, "start_time": 1700000005.1})", {1000});
    proc.write("stat", "cpu  100 0 100 800 0 0 0 0\nbtime 1700003600\n");
    for (const char* said : {"1700003605.1", "1700000005.1"}) {
        collector.answer("n", R"({"pid": 7, "start_time": )" + std::string(said) + "}", {3'602'000});
        const auto seen = collector.look({3'603'000});
        EXPECT_EQ(value(seen, "process_up" + labels), 1) << said;
        EXPECT_EQ(value(seen, "process_start_time_seconds" + labels), 1700000005.0) << "it was not started anew";
    }
    proc.process(7, 'S', 1, 90'000);
    EXPECT_EQ(value(collector.look({3'604'000}), "process_up" + labels), 0) << "another process with its pid";
    collector.answer("n", R"({"pid": 7, "start_time": 1700004500})", {3'605'000});
    const auto anew = collector.look({3'606'000});
    EXPECT_EQ(value(anew, "process_up" + labels), 1);
    EXPECT_EQ(value(anew, "process_start_time_seconds" + labels), 1700004500.0);
}

TEST(Process, NothingWaitsForAClockThatWasSetBack) {
    constexpr std::int64_t hour = 3'600'000, later = 10 * hour;
    Proc proc;
    proc.process(7, 'S', 150, 500);
    auto collector = proc.collector("taskmanager");
    const auto memory = [&](std::int64_t at) {
        return value(collector.look({at}), R"(host_memory_available_bytes{cluster="c",node="agent-host"})");
    };
    EXPECT_EQ(collector.due({later}).size(), 1u);
    collector.answer("n", R"({"pid": 7})", {later});
    EXPECT_EQ(memory(later), 2000 * 1024);
    proc.write("meminfo", "MemAvailable:  1000 kB\n");
    EXPECT_EQ(memory(later + 1'000), 2000 * 1024);
    EXPECT_EQ(memory(later - hour), 1000 * 1024);
    EXPECT_EQ(collector.due({later - hour}).size(), 1u);
    collector.answer("n", R"({"pid": 7})", {later - hour});
    std::filesystem::remove_all(proc.folder / "7");
    (void)collector.due({later - hour + 1'000});
    EXPECT_EQ(value(collector.look({later - 2 * hour}), "process_end_awaited" + labels), 0);
}

TEST(Process, RoomIsLookedAtAnewWhenTheClockWasSetBack) {
    Proc proc;
    const std::string folder = (proc.folder / "data").string();
    std::filesystem::create_directories(folder);
    ProcessCollector collector({.cluster = "c",
                                .target = "c/process",
                                .nodes = {{.name = "n", .role = "taskmanager", .zone = "z", .disks = {folder}}},
                                .proc = proc.folder.string()});
    constexpr std::int64_t hour = 3'600'000;
    const std::string disk = R"({cluster="c",node="n",path=")" + folder + R"(",role="taskmanager"})";
    const auto room = [&](std::int64_t at) { return value(collector.look({at}), "host_filesystem_size_bytes" + disk); };
    EXPECT_TRUE(room(2 * hour));
    std::filesystem::remove_all(folder);
    EXPECT_TRUE(room(2 * hour + 500)) << "looked at once a second";
    EXPECT_EQ(room(hour), std::nullopt);
}

TEST(Process, AStoppedProcessIsUpAndStopped) {
    Proc proc;
    proc.process(7, 'T', 150, 500);
    auto collector = proc.collector("taskmanager");
    (void)collector.due({1000});
    collector.answer("n", "MainPID=7\nActiveState=active\n", {1000});
    const auto seen = collector.look({2000});
    EXPECT_EQ(value(seen, "process_up" + labels), 1);
    EXPECT_EQ(value(seen, "process_stopped" + labels), 1);
}

TEST(Process, AGoneProcessTellsWhatItsServiceManagerSaysOfItsEnd) {
    const auto end = [](const char* answer) {
        Proc proc;
        auto collector = proc.collector("taskmanager");
        (void)collector.due({1000});
        collector.answer("n", std::string(answer), {1000});
        return value(collector.look({2000}), "process_stopped_in_order" + labels);
    };
    EXPECT_EQ(end("MainPID=0\nActiveState=inactive\n"), 1);
    EXPECT_EQ(end("MainPID=0\nActiveState=failed\n"), 0);
    EXPECT_EQ(end("MainPID=0\nActiveState=activating\n"), 0);
    EXPECT_EQ(end(R"({"pid": 0, "stopped_in_order": true})"), 1);
    EXPECT_EQ(end("MainPID=0\n"), std::nullopt) << "nobody said";
    EXPECT_EQ(end(R"({"pid": 0})"), std::nullopt);
}

TEST(Process, AskedHowItEndedInTheLookThatFindsItGone) {
    Proc proc;
    proc.process(7, 'S', 150, 500);
    auto collector = proc.collector("taskmanager");
    (void)collector.due({1000});
    collector.answer("n", R"({"pid": 7})", {1000});
    EXPECT_EQ(value(collector.look({2000}), "process_end_awaited" + labels), std::nullopt) << "it is there";
    proc.process(7, 'Z', 150, 500);
    EXPECT_EQ(collector.due({3000}).size(), 1U);
    auto seen = collector.look({3000});
    EXPECT_EQ(value(seen, "process_up" + labels), 0);
    EXPECT_EQ(value(seen, "process_end_awaited" + labels), 1);
    EXPECT_EQ(value(collector.look({6000}), "process_end_awaited" + labels), 0) << "a driver that hangs";
    collector.answer("n", R"({"pid": 0, "stopped_in_order": true})", {6500});
    seen = collector.look({7000});
    EXPECT_EQ(value(seen, "process_stopped_in_order" + labels), 1);
    EXPECT_EQ(value(seen, "process_end_awaited" + labels), 0);
}

TEST(Process, TasksOfAWorkerAreItsChildren) {
    Proc proc;
    proc.process(7, 'S', 150, 500);
    proc.process(9, 'D', 350, 600);
    proc.write("7/task/7/children", "9 ");
    proc.write("9/cmdline", std::string("medic-engine\0connect-task\0--connector\0orders\0--task\0"
                                        "0\0",
                                        54));
    auto collector = proc.collector("connect-worker");
    (void)collector.due({1000});
    collector.answer("n", R"({"pid": 7})", {1000});
    const auto seen = collector.look({2000});
    EXPECT_EQ(
        value(seen, R"(connect_task_process_cpu_seconds_total{cluster="c",connector="orders",task="0",worker="n"})"),
        4.0);
    EXPECT_EQ(seen.attributes.at({"c", "connector-task", "orders/0"}).at("process_state"), "D");
}

TEST(Process, NonsenseFromADriverSaysNothing) {
    Proc proc;
    for (const std::string text : {"", "[]", "running", "{\"pid\": \"x\"}"}) {
        auto collector = proc.collector("taskmanager");
        (void)collector.due({1000});
        collector.answer("n", text, {1000});
        const auto up = value(collector.look({2000}), "process_up" + labels);
        EXPECT_NE(up, 1) << text;
    }
}

TEST(Process, TheFileSystemsOfANodesFoldersAreTold) {
    Proc proc;
    const std::string folder = proc.folder.string();
    ProcessCollector collector({.cluster = "c",
                                .target = "c/process",
                                .nodes = {{.name = "n", .role = "taskmanager", .zone = "z", .disks = {folder}}},
                                .proc = folder});
    const auto seen = collector.look({2000});
    const std::string disk = R"({cluster="c",node="n",path=")" + folder + R"(",role="taskmanager"})";
    ASSERT_TRUE(value(seen, "host_filesystem_size_bytes" + disk));
    EXPECT_GT(*value(seen, "host_filesystem_size_bytes" + disk), 0);
    EXPECT_LE(*value(seen, "host_filesystem_available_bytes" + disk),
              *value(seen, "host_filesystem_size_bytes" + disk));
    EXPECT_EQ(value(seen, "host_filesystem_read_only" + disk), std::nullopt) << "no table of mounts says so";
    EXPECT_EQ(seen.outcome, ScrapeOutcome::complete);
}

// A service may see a file system read-only that others write: what counts is the file system's own state.
TEST(Process, AFileSystemThatCanNoLongerBeWrittenIsTold) {
    Proc proc;
    struct stat entry{};
    ASSERT_EQ(stat(proc.folder.c_str(), &entry), 0);
    const std::string device = std::to_string(major(entry.st_dev)) + ":" + std::to_string(minor(entry.st_dev));
    const auto read_only = [&](const std::string& table) {
        proc.write("self/mountinfo", table);
        const auto seen = proc_read::file_system(proc.folder.string(), proc.folder.string());
        return seen ? seen->read_only : std::nullopt;
    };
    EXPECT_EQ(read_only("1 0 " + device + " / / ro,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n"), false);
    EXPECT_EQ(read_only("1 0 " + device + " / / rw,relatime - ext4 /dev/sda1 ro,errors=remount-ro\n"), true);
    EXPECT_EQ(read_only("1 0 0:999 / /other rw - tmpfs none ro\n"), std::nullopt);
    EXPECT_EQ(read_only("1 0 " + device + " / / rw - ext4"), std::nullopt);
}

TEST(Process, AFolderThatCanNotBeLookedAtIsMissingAndNotFull) {
    Proc proc;
    ProcessCollector collector(
        {.cluster = "c",
         .target = "c/process",
         .nodes = {{.name = "n", .role = "taskmanager", .zone = "z", .disks = {proc.folder.string() + "/none"}}},
         .proc = proc.folder.string()});
    const auto seen = collector.look({2000});
    EXPECT_EQ(seen.outcome, ScrapeOutcome::partial);
    EXPECT_NE(seen.error.find("/none can't be looked at"), std::string::npos);
    for (const auto& [series, is] : seen.samples) EXPECT_FALSE(series.name().starts_with("host_filesystem"));
}

}  // namespace
}  // namespace medic
