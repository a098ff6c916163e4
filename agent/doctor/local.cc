#include "agent/doctor/local.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

#include "agent/practice/drill_files.h"
#include "remediations/journal/journal.h"

namespace medic::doctor {
namespace {

namespace fs = std::filesystem;

Check data_dir(const std::string& folder) {
    const std::string what = "data_dir " + folder;
    std::error_code error;
    fs::path standing = folder;
    while (!standing.empty() && !fs::exists(standing, error) && standing.has_relative_path())
        standing = standing.parent_path();
    const bool there = standing == fs::path(folder);
    if (there && !fs::is_directory(folder, error)) return {Grade::bad, what, "is not a folder"};
    if (access(standing.c_str(), W_OK | X_OK) != 0)
        return {Grade::bad, what,
                fmt::format("{} can't be written by {}: {}; make it: install -d -o USER -m 0750 {}", standing.string(),
                            geteuid() == 0 ? "root" : "this user", std::strerror(errno), folder)};
    struct statvfs room{};
    if (statvfs(standing.c_str(), &room) == 0) {
        // The journal stops at 4 GB; below a tenth of that it may meet a full disk first, and then nothing may act.
        constexpr double room_min = 400e6;
        const double free = static_cast<double>(room.f_bavail) * static_cast<double>(room.f_frsize);
        if (free < room_min)
            return {Grade::advice, what,
                    fmt::format("only {:.0f} MB are free there; with a full disk the agent stops acting", free / 1e6)};
    }
    return {Grade::good, what, there ? "can be written" : "is not there yet; the agent will make it"};
}

// The agent holds an flock on `lock`; asking for a shared one tells whether it does, without keeping it.
Check lock(const std::string& folder) {
    const std::string path = folder + "/lock";
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return {Grade::good, "agents on this data_dir", "none runs"};
    const bool held = flock(fd, LOCK_SH | LOCK_NB) != 0;
    close(fd);
    return held ? Check{Grade::good, "agents on this data_dir", "one runs; a second one would be refused"}
                : Check{Grade::good, "agents on this data_dir", "none runs"};
}

Check journal(const std::string& folder, WallTime now) {
    const std::string path = folder + "/journal.db", what = "journal " + path;
    std::error_code error;
    if (!fs::exists(path, error)) return {Grade::good, what, "is not there yet"};
    const auto opened = Journal::open_read_only(path);
    if (!opened) return {Grade::bad, what, opened.error().message};
    const JournalState state = (*opened)->load(now);
    if (!state.complete) return {Grade::bad, what, state.problem + "; nothing may act until it is whole"};
    return {Grade::good, what,
            fmt::format("whole: {} incidents ever, {} open; {:.1f} MB", state.incidents_ever,
                        state.open_incidents.size(), static_cast<double>(fs::file_size(path, error)) / 1e6)};
}

// Whether what a sidecar would run is there: found as execvp() finds it, and not run.
void programs(const Config& config, std::vector<Check>& checks) {
    const auto is_there = [](const std::string& program) {
        if (program.find('/') != std::string::npos) return access(program.c_str(), X_OK) == 0;
        const char* given = std::getenv("PATH");
        const std::string path = given != nullptr ? given : "/usr/bin:/bin";
        for (std::size_t from = 0; from <= path.size();) {
            const auto end = std::min(path.find(':', from), path.size());
            if (access((path.substr(from, end - from) + "/" + program).c_str(), X_OK) == 0) return true;
            from = end + 1;
        }
        return false;
    };
    for (const ClusterConfig& cluster : config.clusters)
        for (const NodeConfig& node : cluster.nodes) {
            std::string missing;
            for (const auto& [action, argv] : node.driver.commands)
                if (!is_there(argv[0])) missing += (missing.empty() ? "" : ", ") + action + ": " + argv[0];
            checks.push_back(missing.empty()
                                 ? Check{Grade::good, "node " + node.name, "its driver's programs are there"}
                                 : Check{Grade::bad, "node " + node.name, "can't be run: " + missing});
        }
}

void secret(const std::string& key, const std::string& path, std::vector<Check>& checks) {
    if (path.empty()) return;
    const std::string what = key + " " + path;
    struct stat info{};
    if (stat(path.c_str(), &info) != 0 || access(path.c_str(), R_OK) != 0)
        checks.push_back({Grade::bad, what, fmt::format("can't be read: {}", std::strerror(errno))});
    else if ((info.st_mode & (S_IROTH | S_IWOTH)) != 0)
        checks.push_back({Grade::bad, what, "everybody on this machine may read it: chmod 600 " + path});
    else
        checks.push_back({Grade::good, what, "only its owner and group read it"});
}

}  // namespace

std::vector<Check> local(const Config& config, WallTime now) {
    std::vector<Check> checks = {data_dir(config.data_dir), lock(config.data_dir)};
    if (config.scope == Scope::node)
        programs(config, checks);
    else
        checks.push_back(journal(config.data_dir, now));
    if (const std::string left = practice::left_to_undo(config.data_dir, config.path); !left.empty())
        checks.push_back({Grade::bad, "drills " + practice::drills_folder(config.data_dir), left});
    secret("token_file", config.api_token_file, checks);
    const auto tls = [&](const std::optional<TlsFiles>& files) {
        if (files) secret("key", files->key, checks);
    };
    for (const ClusterConfig& cluster : config.clusters) {
        if (cluster.kafka.security.sasl) secret("secret file", cluster.kafka.security.sasl->secret().file, checks);
        tls(cluster.kafka.security.tls);
        for (const auto& [url, access] : cluster.http) {
            secret("password file", access.auth.password.file, checks);
            secret("token file", access.auth.bearer.file, checks);
            tls(access.tls);
        }
    }
    return checks;
}

}  // namespace medic::doctor
