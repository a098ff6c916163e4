// Installs into an empty folder and runs what lands there, as a person would on a clean machine.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "agent/world/real/command.h"

namespace medic {
namespace {

namespace fs = std::filesystem;

constexpr Duration command_deadline{120'000};

CommandReply run(std::vector<std::string> argv) {
    Reactor reactor;
    Result<CommandReply> result = fail(ErrorCode::internal, "never ran");
    const std::string name = argv[0];
    run_command(reactor, {.argv = std::move(argv), .timeout = command_deadline, .output_bytes_max = 4 << 20},
                [&](Result<CommandReply> reply) {
                    result = std::move(reply);
                    reactor.stop();
                });
    reactor.run();
    EXPECT_TRUE(result) << name << ": " << (result ? "" : result.error().message);
    return result ? *result : CommandReply{.exit_code = -1, .output = "", .errors = ""};
}

std::string text_of(const fs::path& path) {
    std::ifstream in(path);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

bool there(const std::string& program) { return run({"sh", "-c", "command -v " + program}).exit_code == 0; }

// One installation for all tests of this program.
class Installed : public testing::Test {
protected:
    static void SetUpTestSuite() {
        std::string pattern = (fs::temp_directory_path() / "medic-install-XXXXXX").string();
        destination_ = mkdtemp(pattern.data());
        const auto done = run({"env", "DESTDIR=" + destination_.string(), MEDIC_CMAKE, "--install", MEDIC_BINARY_DIR});
        ASSERT_EQ(done.exit_code, 0) << done.output << done.errors;
    }
    static void TearDownTestSuite() { fs::remove_all(destination_); }

    static fs::path at(const std::string& path) { return destination_.string() + MEDIC_PREFIX + "/" + path; }
    static fs::path etc(const std::string& name) { return destination_.string() + MEDIC_ETC + "/" + name; }
    static std::string medic() { return at("bin/medic").string(); }

    static fs::path destination_;
};
fs::path Installed::destination_;

TEST_F(Installed, EveryPartIsWhereItBelongs) {
    for (const char* path :
         {"bin/medic", "bin/medic-engine", "lib/streammedic/jobs/fleet_monitor_v1.so",
          "lib/streammedic/jobs/fleet_monitor_v2.so", "lib/systemd/system/streammedic.service",
          "lib/systemd/system/streammedic-node.service", "share/man/man1/medic.1.gz",
          "share/bash-completion/completions/medic", "share/zsh/vendor-completions/_medic",
          "share/fish/vendor_completions.d/medic.fish", "share/streammedic/prometheus/streammedic.rules.yaml",
          "share/doc/streammedic/README.md", "share/doc/streammedic/CHANGELOG.md", "share/doc/streammedic/docs/api.md"})
        EXPECT_TRUE(fs::is_regular_file(at(path))) << path;
    for (const char* name : {"medic.yaml", "node.yaml", "policy.yaml"})
        EXPECT_TRUE(fs::is_regular_file(etc(name))) << name;
}

TEST_F(Installed, TheProgramSaysItsVersionAndReadsTheExampleConfiguration) {
    const auto version = run({medic(), "--version"});
    EXPECT_TRUE(version.output.starts_with(std::string("medic ") + MEDIC_VERSION)) << version.output;
    const auto check = run({medic(), "config", "check", etc("medic.yaml").string()});
    EXPECT_EQ(check.exit_code, 0) << check.errors;
    EXPECT_NE(text_of(MEDIC_SOURCE_DIR "/CHANGELOG.md").find("## [" MEDIC_VERSION "]"), std::string::npos);
}

TEST_F(Installed, TheSidecarsExampleIsUnderstoodAndItsUnitStartsIt) {
    const auto check = run({medic(), "config", "check", etc("node.yaml").string()});
    EXPECT_EQ(check.exit_code, 0) << check.errors;
    const std::string unit = text_of(at("lib/systemd/system/streammedic-node.service"));
    EXPECT_NE(unit.find(std::string("/bin/medic agent --config ") + MEDIC_ETC + "/node.yaml\n"), std::string::npos);
    EXPECT_NE(unit.find("StateDirectory=streammedic-node\n"), std::string::npos);
    EXPECT_NE(text_of(etc("node.yaml")).find("data_dir: /var/lib/streammedic-node\n"), std::string::npos);
}

TEST_F(Installed, TheExamplePolicyLetsNothingBeDone) {
    std::string config = text_of(etc("medic.yaml"));
    const fs::path folder = destination_ / "run";
    fs::create_directories(folder);
    config = std::regex_replace(config, std::regex("data_dir: .*"), "data_dir: data");
    config = std::regex_replace(config, std::regex("listen: .*"), "listen: 127.0.0.1:0");
    config = std::regex_replace(config, std::regex("127\\.0\\.0\\.1:(9092|808[13])"), "127.0.0.1:1");
    std::ofstream(folder / "medic.yaml") << config;
    // Stopped as soon as it has come up; the deadline of run() only ends a broken test.
    const std::string script =
        "cd \"$1\"; \"$0\" agent --config medic.yaml --policy \"$2\" > log 2>&1 & pid=$!; "
        "until grep -q 'listens on' log; do kill -0 $pid || break; sleep 0.1; done; kill -TERM $pid; wait $pid";
    const auto agent = run({"sh", "-c", script, medic(), folder.string(), etc("policy.yaml").string()});
    const std::string said = text_of(folder / "log");
    EXPECT_EQ(agent.exit_code, 0) << said;
    EXPECT_NE(said.find("may change nothing"), std::string::npos) << said;
    EXPECT_NE(said.find("stopped"), std::string::npos) << said;
}

TEST_F(Installed, TheEngineIsFoundBesideTheProgramAndItsJobsBelowLib) {
    const auto help = run({medic(), "lab", "--help"});
    EXPECT_EQ(help.exit_code, 0) << help.errors;
    EXPECT_NE(help.output.find("up"), std::string::npos);
}

TEST_F(Installed, TheUnitRunsWhatWasInstalled) {
    const std::string unit = text_of(at("lib/systemd/system/streammedic.service"));
    EXPECT_NE(
        unit.find(std::string("ExecStart=") + MEDIC_PREFIX + "/bin/medic agent --config " + MEDIC_ETC + "/medic.yaml"),
        std::string::npos)
        << unit;
    EXPECT_EQ(unit.find('@' + std::string("MEDIC")), std::string::npos);
    for (const char* line :
         {"NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=\n", "StateDirectory=streammedic",
          "SystemCallFilter=@system-service", "WatchdogSec=", "Type=notify", "Restart=on-failure"})
        EXPECT_NE(unit.find(line), std::string::npos) << line;
}

// What `--help` of a command lists: sub-commands and long options. Read from the text that people see.
std::set<std::string> listed(const std::string& help) {
    std::set<std::string> words;
    static const std::regex row(R"(\n  ([a-z][a-z-]*|(?:-[a-z],)?--[a-z-]+) +[^ ])");
    const std::string text = help.substr(0, help.find("Examples:"));
    for (auto it = std::sregex_iterator(text.begin(), text.end(), row); it != std::sregex_iterator(); ++it) {
        const std::string word = (*it)[1].str();
        words.insert(word.substr(word.find("--") == std::string::npos ? 0 : word.find("--")));
    }
    return words;
}

// What bash offers after these words.
std::set<std::string> offered(const std::string& script, const std::vector<std::string>& words) {
    std::string line = "source '" + script + "'; COMP_WORDS=(medic";
    for (const std::string& word : words) line += " '" + word + "'";
    line += "); COMP_CWORD=" + std::to_string(words.size()) + "; _medic; printf '%s\\n' \"${COMPREPLY[@]}\"";
    std::istringstream out(run({"bash", "--norc", "-c", line}).output);
    std::set<std::string> found;
    for (std::string word; std::getline(out, word);)
        if (!word.empty()) found.insert(word);
    return found;
}

void compare(const std::string& medic, const std::string& script, const std::vector<std::string>& path, int depth) {
    std::vector<std::string> asks = path;
    asks.insert(asks.begin(), medic);
    asks.push_back("--help");
    const std::set<std::string> expected = listed(run(asks).output);
    std::vector<std::string> words = path;
    words.emplace_back("");
    const std::set<std::string> got = offered(script, words);
    EXPECT_FALSE(expected.empty());
    std::string where = "medic";
    for (const std::string& one : path) where += " " + one;
    for (const std::string& word : expected)
        EXPECT_TRUE(got.contains(word)) << where << ": " << word << " is not offered";
    if (depth == 0) return;
    for (const std::string& word : expected) {
        // lab and drill hand everything over to medic-engine, which has a help of its own.
        if (word.starts_with("-") || word == "lab" || word == "drill") continue;
        std::vector<std::string> below = path;
        below.push_back(word);
        compare(medic, script, below, depth - 1);
    }
}

TEST_F(Installed, BashOffersEveryCommandAndOptionThatHelpLists) {
    const std::string script = at("share/bash-completion/completions/medic").string();
    const auto top = offered(script, {""});
    for (const char* word : {"agent", "diagnose", "incidents", "completion", "man", "--help", "--version"})
        EXPECT_TRUE(top.contains(word)) << word;
    compare(medic(), script, {}, 2);
}

TEST_F(Installed, BashCompletesValuesPrefixesAndFiles) {
    const std::string script = at("share/bash-completion/completions/medic").string();
    EXPECT_EQ(offered(script, {"diagnose", "-o", ""}), (std::set<std::string>{"json", "text", "wide", "yaml"}));
    EXPECT_EQ(offered(script, {"incidents", "ver"}), (std::set<std::string>{"verdict"}));
    EXPECT_EQ(offered(script, {"incidents", "--config", "x", "verdict", "I1", "ri"}), (std::set<std::string>{"right"}));
    EXPECT_EQ(offered(script, {"completion", ""}).count("zsh"), 1u);
    EXPECT_TRUE(offered(script, {"agent", "--config", etc("").string()}).contains(etc("medic.yaml").string()));
}

TEST_F(Installed, ZshAndFishReadTheirCompletions) {
    if (there("zsh")) {
        const auto checked = run({"zsh", "-n", at("share/zsh/vendor-completions/_medic").string()});
        EXPECT_EQ(checked.exit_code, 0) << checked.errors;
    }
    if (there("fish")) {
        const std::string file = at("share/fish/vendor_completions.d/medic.fish").string();
        const auto found =
            run({"fish", "--no-config", "-c", "source '" + file + "'; complete -C 'medic incidents ver'"});
        EXPECT_TRUE(found.output.starts_with("verdict")) << found.output << found.errors;
        const auto values =
            run({"fish", "--no-config", "-c", "source '" + file + "'; complete -C 'medic diagnose -o '"});
        EXPECT_NE(values.output.find("wide"), std::string::npos) << values.output << values.errors;
    }
    for (const char* path : {"share/zsh/vendor-completions/_medic", "share/fish/vendor_completions.d/medic.fish"})
        for (const char* word : {"verdict", "approve", "output", "prometheus"})
            EXPECT_NE(text_of(at(path)).find(word), std::string::npos) << path << " " << word;
}

TEST_F(Installed, TheManualPageNamesEveryCommandAndIsSound) {
    const std::string file = at("share/man/man1/medic.1.gz").string();
    const std::string page = run({"zcat", file}).output;
    for (const char* part :
         {".TH MEDIC 1", "medic incidents verdict", "medic completion", "\\-\\-config", "EXIT STATUS"})
        EXPECT_NE(page.find(part), std::string::npos) << part;
    if (!there("mandoc")) GTEST_SKIP() << "no mandoc here: the page was not linted";
    const auto lint = run({"mandoc", "-T", "lint", "-W", "error", file});
    EXPECT_EQ(lint.output, "") << lint.output;
}

TEST_F(Installed, PrometheusReadsTheRulesAboutTheAgent) {
    if (!there("promtool")) GTEST_SKIP() << "no promtool here";
    const auto checked =
        run({"promtool", "check", "rules", at("share/streammedic/prometheus/streammedic.rules.yaml").string()});
    EXPECT_EQ(checked.exit_code, 0) << checked.output << checked.errors;
    const auto tested = run({"promtool", "test", "rules", MEDIC_SOURCE_DIR "/packaging/streammedic.rules_test.yaml"});
    EXPECT_EQ(tested.exit_code, 0) << tested.output << tested.errors;
}

}  // namespace
}  // namespace medic
