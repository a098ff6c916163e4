#include "tests/live/maven.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

#include "engine/common/process.h"

namespace medic::live {
namespace {

namespace fs = std::filesystem;

constexpr int java_version_min = 17;
constexpr auto maven_patience = std::chrono::minutes(10);  // For a first fetch of 180 MB over a slow line.
constexpr auto compile_patience = std::chrono::minutes(3);
constexpr auto poll = std::chrono::milliseconds(100);
constexpr auto tell_every = std::chrono::seconds(5);

std::string in_path(const std::string& program) {
    const char* path = std::getenv("PATH");
    std::istringstream folders(path != nullptr ? path : "/usr/bin:/bin");
    for (std::string folder; std::getline(folders, folder, ':');) {
        const std::string candidate = folder + "/" + program;
        if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    }
    return {};
}

std::string file_text(const fs::path& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
}

// JAVA_VERSION="17.0.15" of the runtime's own release file; 0: unknown.
int java_version(const std::string& java) {
    std::error_code error;
    const fs::path real = fs::canonical(java, error);
    const std::string text = file_text(real.parent_path().parent_path() / "release");
    const auto at = text.find("JAVA_VERSION=\"");
    return at == std::string::npos ? 0 : std::atoi(text.c_str() + at + 14);
}

std::size_t downloads(const std::string& log) {
    std::ifstream in(log);
    std::size_t count = 0;
    for (std::string line; std::getline(in, line);) count += line.find("Downloaded from") != std::string::npos ? 1 : 0;
    return count;
}

std::string last_lines(const std::string& log) {
    constexpr std::size_t shown = 1'500;
    const std::string text = file_text(log);
    return text.size() > shown ? text.substr(text.size() - shown) : text;
}

struct Run {
    std::vector<std::string> argv;
    std::string log;
    std::chrono::steady_clock::duration patience;
};

Status run(const Run& what, const std::function<void()>& while_it_runs) {
    std::error_code error;
    fs::remove(what.log, error);
    MEDIC_TRY(const engine::ProcessId child, engine::spawn({.argv = what.argv, .log_file = what.log}));
    const auto deadline = std::chrono::steady_clock::now() + what.patience;
    for (;;) {
        if (const auto exit = engine::reap(child)) {
            if (exit->code == 0 && exit->signal == 0) return {};
            return fail(ErrorCode::unavailable, "{} failed (log {}):\n{}", what.argv[0], what.log,
                        last_lines(what.log));
        }
        if (std::chrono::steady_clock::now() >= deadline) {
            engine::terminate(child, Duration(2'000));
            return fail(ErrorCode::unavailable, "{} did not end in time: see {}", what.argv[0], what.log);
        }
        while_it_runs();
        std::this_thread::sleep_for(poll);
    }
}

bool complete(const std::string& class_path_text) {
    std::istringstream jars(class_path_text);
    std::size_t count = 0;
    for (std::string jar; std::getline(jars, jar, ':'); ++count)
        if (!fs::exists(jar)) return false;
    return count > 0;
}

bool younger(const fs::path& a, const fs::path& b) {
    std::error_code error;
    return !fs::exists(b) || fs::last_write_time(a, error) > fs::last_write_time(b, error);
}

std::vector<std::string> sources(const std::string& folder) {
    std::vector<std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(MEDIC_LIVE_SOURCE_DIR) / folder))
        if (entry.path().extension() == ".java") files.push_back(entry.path());
    std::ranges::sort(files);
    return files;
}

}  // namespace

Result<Toolchain> find_toolchain() {
    const Toolchain tools{in_path("java"), in_path("javac"), in_path("jar"), in_path("mvn")};
    constexpr const char* remedy = "install openjdk-17-jdk-headless and maven (`make live-up` does)";
    for (const auto& [name, path] : std::array<std::pair<const char*, const std::string*>, 4>{
             {{"java", &tools.java}, {"javac", &tools.javac}, {"jar", &tools.jar}, {"mvn", &tools.maven}}})
        if (path->empty()) return fail(ErrorCode::not_ready, "no `{}` in PATH: {}", name, remedy);
    if (const int version = java_version(tools.java); version < java_version_min)
        return fail(ErrorCode::not_ready, "{} is Java {}, {} or newer is needed: {}", tools.java,
                    version == 0 ? std::string("of an unknown version") : std::to_string(version), java_version_min,
                    remedy);
    return tools;
}

Result<Pair> find_pair(const std::string& name) {
    const std::array<Pair, 3> pairs = {
        {{.kafka = "3.9.1", .flink = "1.20.1"},
         {.kafka = "4.1.0", .flink = "2.0.0"},
         {.kafka = "3.6.2", .flink = "1.17.2", .zookeeper = true, .flat_configuration = true}}};
    for (const Pair& pair : pairs)
        if (pair.name() == name) return pair;
    return fail(ErrorCode::invalid, "no pair `{}`: expected {}, {} or {} (Kafka+Flink)", name, pairs[0].name(),
                pairs[1].name(), pairs[2].name());
}

std::string cache_folder() {
    const char* home = std::getenv("HOME");
    return std::string(home != nullptr ? home : "/tmp") + "/.cache/streammedic/live";
}

Result<std::string> class_path(const Toolchain& tools, const std::string& product, const Progress& progress) {
    std::error_code error;
    fs::create_directories(cache_folder(), error);
    const std::string pom = std::string(MEDIC_LIVE_SOURCE_DIR) + "/maven/" + product + ".xml";
    const std::string kept = cache_folder() + "/" + product + ".classpath";
    if (!younger(pom, kept))
        if (const std::string text = file_text(kept); complete(text)) return text;
    progress(product + ": asking Maven for its jars");
    const std::string log = cache_folder() + "/" + product + ".log";
    auto told = std::chrono::steady_clock::now();
    MEDIC_CHECK(run({.argv = {tools.maven, "-B", "-f", pom, "dependency:build-classpath", "-Dmdep.outputFile=" + kept},
                     .log = log,
                     .patience = maven_patience},
                    [&] {
                        if (std::chrono::steady_clock::now() - told < tell_every) return;
                        told = std::chrono::steady_clock::now();
                        if (const std::size_t count = downloads(log); count > 0)
                            progress(fmt::format("{}: {} files fetched", product, count));
                    }));
    const std::string text = file_text(kept);
    if (!complete(text)) return fail(ErrorCode::unavailable, "{}: Maven's class path lacks files: see {}", kept, log);
    return text;
}

Result<std::string> compile(const Toolchain& tools, const Compile& what) {
    const std::string jar = cache_folder() + "/" + what.name + ".jar";
    const auto files = sources(what.folder);
    if (std::ranges::none_of(files, [&](const std::string& file) { return younger(file, jar); })) return jar;
    const std::string classes = cache_folder() + "/" + what.name, log = cache_folder() + "/" + what.name + ".log";
    std::error_code error;
    fs::remove_all(classes, error);
    fs::create_directories(classes, error);
    std::vector<std::string> argv = {tools.javac, "--release", std::to_string(java_version_min), "-cp", what.class_path,
                                     "-d",        classes};
    argv.insert(argv.end(), files.begin(), files.end());
    MEDIC_CHECK(run({.argv = std::move(argv), .log = log, .patience = compile_patience}, [] {}));
    MEDIC_CHECK(run({.argv = {tools.jar, "--create", "--file", jar + ".new", "-C", classes, "."},
                     .log = log,
                     .patience = compile_patience},
                    [] {}));
    fs::rename(jar + ".new", jar, error);
    if (error) return fail(ErrorCode::unavailable, "{}: {}", jar, error.message());
    return jar;
}

}  // namespace medic::live
