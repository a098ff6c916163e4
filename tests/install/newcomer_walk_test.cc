// The first day of somebody who has never seen it, on a whole embedded platform: unpacked from the tarball; discover,
// doctor, what doctor says is missing, diagnose, the agent with a webhook; a task manager dies, and the message that
// arrives is right and can be acted upon; then all of it is removed. Every command that is printed on the way is run.
// With MEDIC_LIVE_DATA, the folder of `make live-up`, it walks on the real products instead, and more things break:
// user code, a connector's task, a broker.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>
#include <thread>

#include "agent/base/yaml.h"
#include "agent/world/real/clock.h"
#include "agent/world/real/http_client.h"
#include "engine/common/process.h"
#include "tests/install/chat.h"

namespace medic {
namespace {

namespace fs = std::filesystem;
constexpr std::chrono::seconds patience{240};  // Generous: no figure is measured here.

std::string text_of(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

std::set<std::string> files_below(const fs::path& folder) {
    std::set<std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
        if (!entry.is_directory()) all.insert(fs::relative(entry.path(), folder).string());
    return all;
}

// What goes wrong on the walk, and what the message about it has to say.
struct Trouble {
    std::string cause, side, subject;  // `subject`: what its name begins with.
    std::vector<std::string> make;
    std::vector<std::vector<std::string>> mend;  // As whoever owns it would.
};

class Walk : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "medic-walk-XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
        for (const char* one : {"stage", "installed", "work", "home", "tmp"}) fs::create_directories(folder_ / one);
    }
    void TearDown() override {
        end_agent();
        if (fs::exists(folder_ / "lab"))
            (void)run({MEDIC_BINARY_DIR "/medic-engine", "lab", "down", "--data", (folder_ / "lab").string()});
        else if (is_live())  // As it was, also after a failure in the middle.
            for (const Trouble& trouble : troubles())
                for (const auto& argv : trouble.mend) (void)run(argv);
        fs::remove_all(folder_);
    }

    struct Ran {
        int code = -1;
        std::string out;
    };
    // As a person in a folder of their own, with a home and a place for temporary files that are theirs alone.
    [[nodiscard]] engine::ProcessSpec spec(std::vector<std::string> argv, const fs::path& log) const {
        engine::ProcessSpec one;
        one.argv = std::move(argv);
        one.log_file = log.string();
        one.environment = {"HOME=" + (folder_ / "home").string(), "TMPDIR=" + (folder_ / "tmp").string(),
                           "XDG_CONFIG_HOME=" + (folder_ / "home/.config").string(), "NO_COLOR=1"};
        one.working_directory = (folder_ / "work").string();
        return one;
    }
    Ran run(std::vector<std::string> argv) {
        const fs::path log = folder_ / ("run-" + std::to_string(++runs_));
        const auto child = engine::spawn(spec(std::move(argv), log));
        if (!child) return {-1, child.error().message};
        std::optional<engine::ProcessExit> ended;
        if (!until([&] { return (ended = engine::reap(*child)).has_value(); }))
            engine::terminate(*child, Duration{1'000});
        return {ended ? ended->code : -1, text_of(log)};
    }
    template <class Condition>
    static bool until(Condition condition) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (!condition()) {
            if (std::chrono::steady_clock::now() > deadline) return false;
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        return true;
    }
    [[nodiscard]] std::string program(const std::string& name) const {
        return (folder_ / "installed/bin" / name).string();
    }
    Ran medic(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), program("medic"));
        return run(std::move(arguments));
    }
    // A command line as it was printed: "medic doctor --config medic.yaml".
    Ran as_printed(const std::string& line) {
        const std::string with_path = "PATH=" + (folder_ / "installed/bin").string() + ":$PATH; ";
        return run({"/bin/sh", "-c", with_path + line});
    }
    // Commands that an output offers, as they stand there.
    static std::set<std::string> offered(const std::string& out) {
        std::set<std::string> all;
        static const std::regex line(R"((?:^|\n)(?:Next: | *)(medic [a-z][^\n]*))");
        for (auto it = std::sregex_iterator(out.begin(), out.end(), line); it != std::sregex_iterator(); ++it)
            all.insert((*it)[1].str());
        return all;
    }

    void install() {
        const Ran staged = run(
            {"/usr/bin/env", "DESTDIR=" + (folder_ / "stage").string(), MEDIC_CMAKE, "--install", MEDIC_BINARY_DIR});
        ASSERT_EQ(staged.code, 0) << staged.out;
        const std::string tarball = (folder_ / "streammedic.tar.gz").string();
        ASSERT_EQ(run({"/bin/tar", "-C", (folder_ / "stage").string() + MEDIC_PREFIX, "-czf", tarball, "."}).code, 0);
        ASSERT_EQ(run({"/bin/tar", "-C", (folder_ / "installed").string(), "-xzf", tarball}).code, 0);
        fs::remove_all(folder_ / "stage");
        installed_ = files_below(folder_ / "installed");
        EXPECT_TRUE(installed_.contains("bin/medic"));
    }
    // The embedded one, or the real products of `make live-up` where MEDIC_LIVE_DATA names their folder.
    void start_platform() {
        if (const char* live = std::getenv("MEDIC_LIVE_DATA"); live != nullptr) platform_ = live;
        if (!is_live()) {
            platform_ = folder_ / "lab";
            const Ran up = medic({"lab", "up", "--profile", "quick", "--data", platform_.string()});
            ASSERT_EQ(up.code, 0) << up.out;
        }
        const auto config = load_yaml_file((platform_ / "medic.yaml").string());
        ASSERT_TRUE(config);
        const YamlNode clusters = config->get("clusters");
        cluster_name_ = clusters.entries().at(0).first;
        const YamlNode cluster = clusters.get(cluster_name_);
        kafka_ = cluster.get("kafka").get("bootstrap").items().at(0).text();
        connect_ = cluster.get("connect").get("urls").items().at(0).text();
        flink_ = cluster.get("flink").items().at(0).get("url").text();
        const std::string at_work = is_live() ? working_taskmanager(cluster) : "";
        for (const YamlNode& node : cluster.get("nodes").items()) {
            const std::string role = node.get("role").text(), name = node.get("name").text();
            if (victims_.contains(role) || (role == "taskmanager" && !at_work.empty() && name != at_work)) continue;
            Victim& victim = victims_[role];
            victim.name = name;
            for (const YamlNode& word : node.get("driver").get("kill").items()) victim.kill.push_back(word.text());
            for (const YamlNode& word : node.get("driver").get("start").items()) victim.start.push_back(word.text());
        }
        ASSERT_TRUE(victims_.contains("taskmanager") && !victims_["taskmanager"].kill.empty());
    }
    // Any registered one may be the spare: the node whose slots the job takes, by the port that Flink and `status`
    // show.
    [[nodiscard]] std::string working_taskmanager(const YamlNode& cluster) {
        const std::string live = cluster.get("nodes").items().at(0).get("driver").get("kill").items().at(0).text();
        const std::string standing = run({live, "status", "--data", platform_.string()}).out;
        HttpClient client;
        const auto answer = client.perform({.url = flink_ + "/taskmanagers"});
        const Json listed = Json::parse(answer ? answer->body : "", nullptr, false);
        if (!listed.is_object()) return {};
        for (const Json& one : listed["taskmanagers"]) {
            if (one["freeSlots"] == one["slotsNumber"]) continue;
            std::smatch port, line;
            const auto path = one["path"].get<std::string>();
            if (!std::regex_search(path, port, std::regex(R"(:(\d+)/)"))) continue;
            if (std::regex_search(standing, line, std::regex(R"((?:^|\n)(\S+)[^\n]* rpc=)" + port[1].str() + R"(\b)")))
                return line[1];
        }
        return {};
    }
    // The embedded platform stands for the first; the drills make the others there.
    [[nodiscard]] std::vector<Trouble> troubles() {
        const Victim& manager = victims_["taskmanager"];
        // On the real products a task manager has an id of its own.
        std::vector<Trouble> all = {{.cause = "flink.taskmanager-lost",
                                     .side = "system",
                                     .subject = "taskmanager/" + (is_live() ? "" : manager.name),
                                     .make = manager.kill,
                                     .mend = {manager.start}}};
        if (!is_live()) return all;
        const Victim& broker = victims_["broker"];
        const auto fault = [&](const std::string& name, const std::string& turn) {
            return std::vector<std::string>{broker.kill.at(0), "fault", name, turn, "--data", platform_.string()};
        };
        all.push_back({.cause = "flink.null-dereference",
                       .side = "user",
                       .subject = "job/order-totals",
                       .make = fault("null-pointer", "on"),
                       .mend = {fault("null-pointer", "off")}});
        all.push_back({.cause = "connect.task-failed",
                       .side = "system",
                       .subject = "connector-task/audit-sink",
                       .make = fault("audit-dependency-down", "on"),
                       .mend = {fault("audit-dependency-down", "off"),
                                {"/usr/bin/curl", "-s", "-X", "POST",
                                 connect_ + "/connectors/audit-sink/restart?includeTasks=true&onlyFailed=true"}}});
        all.push_back({.cause = "kafka.broker-lost",
                       .side = "system",
                       .subject = "broker/",
                       .make = broker.kill,
                       .mend = {broker.start}});
        return all;
    }
    // It goes wrong; the right message comes, can be acted upon, and its end is told when it is mended.
    void walk_through(const Trouble& trouble, const Chat& chat) {
        const std::size_t told = chat.count();
        const Now made = read_clock();
        const Ran broken = run(trouble.make);
        ASSERT_EQ(broken.code, 0) << broken.out;
        ASSERT_TRUE(until([&] { return !chat.about(trouble.cause, "opened").is_null(); }))
            << chat.all() << text_of(folder_ / "agent.log");
        const auto named_ms = (read_clock().monotonic - made.monotonic).count();
        check(trouble, chat.about(trouble.cause, "opened"), made.wall);
        // Mending is tried again: who depends on something may be started before it.
        const bool ended = until([&] {
            for (const auto& argv : trouble.mend) (void)run(argv);
            std::this_thread::sleep_for(std::chrono::seconds(5));
            return !chat.about(trouble.cause, "resolved").is_null();
        });
        EXPECT_TRUE(ended) << chat.all();
        EXPECT_TRUE(chat.of_another_side(told, trouble.side).empty()) << Json(chat.of_another_side(told, trouble.side));
        std::printf("%s: told after %.1f s, over after %.1f s\n", trouble.cause.c_str(),
                    static_cast<double>(named_ms) / 1'000,
                    static_cast<double>((read_clock().monotonic - made.monotonic).count()) / 1'000);
        std::fflush(stdout);
    }
    void check(const Trouble& trouble, const Json& message, WallTime made) {
        EXPECT_EQ(message["cluster"], cluster_name_);
        EXPECT_EQ(message["side"], trouble.side) << message;
        EXPECT_FALSE(message["owner"].get<std::string>().empty());
        EXPECT_NE(message["owner"], "unknown");
        EXPECT_TRUE(message["subject"].get<std::string>().starts_with(trouble.subject)) << message["subject"];
        EXPECT_FALSE(message["evidence"].empty());
        const auto since = message["since"].get<std::string>();
        std::tm parts = {};
        ASSERT_NE(strptime(since.c_str(), "%Y-%m-%dT%H:%M:%S", &parts), nullptr) << since;
        const Duration late = WallTime{timegm(&parts) * 1'000} - made;
        EXPECT_GE(late.count(), -10'000) << since;  // The newest look before it.
        EXPECT_LE(late.count(), 60'000) << since;
        EXPECT_NE(message["text"].get<std::string>().find(message["owner"].get<std::string>()), std::string::npos);
        // Whoever reads it can say whether it was right, and look at all of it.
        const Ran said = as_printed(message["verdict"]["right_command"].get<std::string>());
        EXPECT_EQ(said.code, 0) << message["verdict"] << said.out;
        const Ran shown =
            as_printed("medic incidents " + message["incident"].get<std::string>() + " --config medic.yaml");
        EXPECT_EQ(shown.code, 0) << shown.out;
        EXPECT_NE(shown.out.find(trouble.cause), std::string::npos) << shown.out;
    }
    [[nodiscard]] bool is_live() const { return !platform_.empty() && platform_ != folder_ / "lab"; }
    [[nodiscard]] std::string config() const { return text_of(folder_ / "work/medic.yaml"); }
    void write_config(const std::string& text) const { std::ofstream(folder_ / "work/medic.yaml") << text; }

    // What the doctor says is missing, in the words of the platform's own file: its nodes with their drivers. discover
    // lists workers as nodes without drivers: the file's own list takes their place.
    void add_nodes() const {
        std::string mine = config();
        const std::string all = text_of(platform_ / "medic.yaml");
        const auto [from, to] = nodes_in(all);
        ASSERT_LT(from, to);
        const auto [old_from, old_to] = nodes_in(mine);
        mine.erase(old_from, old_to - old_from);
        write_config(mine + all.substr(from, to - from));
    }
    // The lines of `nodes:` under the only cluster, or an empty stretch at the end.
    static std::pair<std::size_t, std::size_t> nodes_in(const std::string& text) {
        const auto line_end = text.find("\n    nodes:");
        if (line_end == std::string::npos) return {text.size(), text.size()};
        const auto from = line_end + 1;
        auto to = text.find('\n', from) + 1;
        while (to < text.size() && text.compare(to, 5, "     ") == 0) {
            const auto end = text.find('\n', to);
            to = end == std::string::npos ? text.size() : end + 1;
        }
        return {from, to};
    }

    void start_agent() {
        const auto started =
            engine::spawn(spec({program("medic"), "agent", "--config", "medic.yaml"}, folder_ / "agent.log"));
        ASSERT_TRUE(started) << started.error().message;
        agent_ = *started;
        ASSERT_TRUE(until([&] { return text_of(folder_ / "agent.log").find("listens on") != std::string::npos; }))
            << text_of(folder_ / "agent.log");
    }
    void end_agent() {
        if (agent_.pid > 0) engine::terminate(std::exchange(agent_, {}), Duration{20'000});
    }

    fs::path folder_;
    std::set<std::string> installed_;
    fs::path platform_;
    std::string cluster_name_, kafka_, connect_, flink_;
    struct Victim {
        std::string name;
        std::vector<std::string> kill, start;
    };
    std::map<std::string, Victim> victims_;  // By role: the first node of it.
    engine::ProcessId agent_;
    int runs_ = 0;
};

TEST_F(Walk, FromTheTarballToTheRightMessageAndBackToNothing) {
    install();
    if (HasFatalFailure()) return;
    start_platform();
    if (HasFatalFailure()) return;

    // discover: a configuration, and what comes next.
    const Ran found = medic({"discover", "--kafka", kafka_, "--connect", connect_, "--flink", flink_, "--name",
                             cluster_name_, "--output", "medic.yaml"});
    ASSERT_EQ(found.code, 0) << found.out;
    EXPECT_NE(found.out.find("Written: medic.yaml"), std::string::npos);
    // What a newcomer changes at once: where the journal lies.
    write_config(std::regex_replace(config(), std::regex("data_dir: [^ \n]*"), "data_dir: data"));
    EXPECT_TRUE(offered(found.out).contains("medic doctor --config medic.yaml")) << found.out;
    for (const std::string& one : offered(found.out)) {
        const Ran next = as_printed(one);
        EXPECT_EQ(next.code, 0) << one << "\n" << next.out;
    }

    // doctor: what stays hidden, and the line that mends it. Who follows it is not told of it again.
    const Ran bare = medic({"doctor", "--config", "medic.yaml"});
    EXPECT_NE(bare.out.find("no driver can look at task managers"), std::string::npos) << bare.out;
    EXPECT_NE(bare.out.find("flink.taskmanager-lost"), std::string::npos);
    add_nodes();
    const Ran checked = medic({"config", "check", "medic.yaml"});
    ASSERT_EQ(checked.code, 0) << checked.out << config();
    const Ran mended = medic({"doctor", "--config", "medic.yaml"});
    EXPECT_EQ(mended.code, 0) << mended.out;
    EXPECT_EQ(mended.out.find("no driver can look at task managers"), std::string::npos) << mended.out;

    // diagnose: nothing is wrong yet, and nothing is made up.
    // On a platform that others used before, once what they did is over.
    Ran healthy;
    (void)until([&] {
        healthy = medic({"diagnose", "--config", "medic.yaml", "-o", "json"});
        return healthy.code == 0;
    });
    const Json before =
        Json::parse(healthy.out.substr(std::min(healthy.out.find('{'), healthy.out.size())), nullptr, false);
    ASSERT_TRUE(before.is_object()) << healthy.out;
    EXPECT_TRUE(before["diagnoses"].empty()) << healthy.out;

    // The agent, with somebody who is told. It says that it may change nothing.
    const Chat chat;
    std::ofstream(folder_ / "work/tokens") << "ana 0123456789abcdef-ana\n";
    fs::permissions(folder_ / "work/tokens", fs::perms::owner_read | fs::perms::owner_write);
    write_config(
        std::regex_replace(config(), std::regex("listen: \"[^\"]*\""), "listen: \"127.0.0.1:0\", token_file: tokens") +
        "notify:\n  - {name: chat, kind: webhook, url: \"" + chat.url() + "\"}\n");
    start_agent();
    if (HasFatalFailure()) return;
    EXPECT_NE(text_of(folder_ / "agent.log").find("may change nothing"), std::string::npos);
    ASSERT_TRUE(until([&] {
        return medic({"diagnose", "--config", "medic.yaml"}).out.find("seen by the agent") != std::string::npos;
    })) << text_of(folder_ / "agent.log");

    for (const Trouble& trouble : troubles()) {
        SCOPED_TRACE(trouble.cause);
        walk_through(trouble, chat);
        if (HasFatalFailure()) return;
    }

    // Away with it: the program's files are as they were unpacked, and elsewhere there is only what was asked for.
    end_agent();
    if (!is_live()) {
        ASSERT_EQ(medic({"lab", "down", "--data", platform_.string()}).code, 0);
    }
    EXPECT_EQ(files_below(folder_ / "installed"), installed_) << "something was written into the program's folder";
    for (const std::string& one : installed_) fs::remove(folder_ / "installed" / one);
    EXPECT_TRUE(files_below(folder_ / "installed").empty());
    EXPECT_TRUE(files_below(folder_ / "home").empty()) << *files_below(folder_ / "home").begin();
    EXPECT_TRUE(files_below(folder_ / "tmp").empty()) << *files_below(folder_ / "tmp").begin();
    for (const std::string& one : files_below(folder_ / "work"))
        EXPECT_TRUE(one == "medic.yaml" || one == "tokens" || one.starts_with("data/")) << one;
}

}  // namespace
}  // namespace medic
