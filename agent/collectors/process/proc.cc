#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "agent/collectors/process/proc_internal.h"

namespace medic::proc_read {

namespace fs = std::filesystem;

// Plain reads: these files are read many times a second, and streams would cost more than the kernel does.
std::string read_file(const std::string& path) {
    std::string text;
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return text;
    char buffer[4096];
    constexpr std::size_t bytes_max = 4 << 20;  // /proc/net/tcp of a busy machine.
    for (ssize_t count = 0; text.size() < bytes_max && (count = read(file, buffer, sizeof buffer)) > 0;) {
        text.append(buffer, static_cast<std::size_t>(count));
    }
    close(file);
    return text;
}

std::optional<StatFields> stat_fields(const std::string& proc, int pid) {
    const std::string text = read_file(proc + "/" + std::to_string(pid) + "/stat");
    // pid (name) state …: the name may hold spaces and brackets, so count from the last bracket. See proc(5).
    const auto bracket = text.rfind(')');
    if (bracket == std::string::npos) return std::nullopt;
    std::istringstream rest(text.substr(bracket + 1));
    StatFields fields;
    if (!(rest >> fields.state)) return std::nullopt;
    double field = 0;
    for (int number = 4; number <= 24 && rest >> field; ++number) {
        if (number == 14) fields.user_ticks = field;
        if (number == 15) fields.system_ticks = field;
        if (number == 22) fields.start_ticks = field;
        if (number == 24) {
            fields.resident_pages = field;
            return fields;
        }
    }
    return std::nullopt;
}

std::optional<double> boot_time(const std::string& proc) {
    const std::string text = read_file(proc + "/stat");
    const auto at = text.find("btime ");
    if (at == std::string::npos) return std::nullopt;
    return std::strtod(text.c_str() + at + 6, nullptr);
}

std::vector<int> children(const std::string& proc, int pid) {
    std::vector<int> found;
    std::error_code error;
    for (const auto& task : fs::directory_iterator(proc + "/" + std::to_string(pid) + "/task", error)) {
        std::istringstream list(read_file(task.path().string() + "/children"));
        constexpr std::size_t children_max = 1'000;
        for (int child = 0; list >> child && found.size() < children_max;) found.push_back(child);
    }
    return found;
}

std::vector<std::string> arguments(const std::string& proc, int pid) {
    const std::string text = read_file(proc + "/" + std::to_string(pid) + "/cmdline");
    std::vector<std::string> list;
    for (std::size_t from = 0; from < text.size();) {
        const auto end = std::min(text.find('\0', from), text.size());
        list.push_back(text.substr(from, end - from));
        from = end + 1;
    }
    return list;
}

std::optional<Descriptors> descriptors(const std::string& proc, int pid) {
    Descriptors open;
    std::error_code error;
    const fs::directory_iterator folder(proc + "/" + std::to_string(pid) + "/fd", error);
    if (error) return std::nullopt;
    for (const auto& entry : folder) {
        ++open.count;
        std::error_code gone;
        const std::string link = fs::read_symlink(entry.path(), gone).string();
        if (!gone && link.starts_with("socket:[")) open.socket_inodes.insert(link.substr(8, link.size() - 9));
    }
    return open;
}

std::vector<int> listening_ports(const std::string& proc, int pid, const std::set<std::string>& socket_inodes) {
    std::set<int> ports;
    for (const char* table : {"/net/tcp", "/net/tcp6"}) {
        std::istringstream lines(read_file(proc + "/" + std::to_string(pid) + table));
        std::string line;
        std::getline(lines, line);  // The head.
        while (std::getline(lines, line)) {
            std::istringstream fields(line);
            std::string slot, local, remote, state, skip, inode;
            fields >> slot >> local >> remote >> state;
            for (int i = 0; i < 5; ++i) fields >> skip;
            fields >> inode;
            const auto colon = local.rfind(':');
            constexpr const char* listening = "0A";
            if (state != listening || colon == std::string::npos || !socket_inodes.contains(inode)) continue;
            ports.insert(static_cast<int>(std::strtol(local.c_str() + colon + 1, nullptr, 16)));
        }
    }
    return {ports.begin(), ports.end()};
}

std::optional<std::pair<double, double>> cpu_times(const std::string& proc) {
    std::istringstream line(read_file(proc + "/stat"));
    std::string name;
    if (!(line >> name) || name != "cpu") return std::nullopt;
    // user nice system idle iowait irq softirq steal: idle and iowait are not work.
    double all = 0, idle = 0, field = 0;
    for (int column = 0; column < 8 && line >> field; ++column) {
        all += field;
        if (column == 3 || column == 4) idle += field;
    }
    return std::pair(all - idle, all);
}

std::optional<double> memory_available(const std::string& proc) {
    const std::string text = read_file(proc + "/meminfo");
    const auto at = text.find("MemAvailable:");
    if (at == std::string::npos) return std::nullopt;
    return std::strtod(text.c_str() + at + 13, nullptr) * 1024;
}

namespace {

// Columns of /proc/PID/mountinfo: id, parent, major:minor, root, mount point, options, optional fields, "-", type,
// source, options of the file system itself. See proc(5).
std::optional<bool> is_read_only(const std::string& proc, const std::string& device) {
    std::istringstream lines(read_file(proc + "/self/mountinfo"));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream fields(line);
        std::string id, parent, numbers, field, type, source, options;
        fields >> id >> parent >> numbers;
        if (numbers != device) continue;
        while (fields >> field && field != "-") {
        }
        if (!(fields >> type >> source >> options)) return std::nullopt;
        return options == "ro" || options.starts_with("ro,");
    }
    return std::nullopt;
}

}  // namespace

std::optional<FileSystem> file_system(const std::string& proc, const std::string& path) {
    struct statvfs room{};
    struct stat entry{};
    if (statvfs(path.c_str(), &room) != 0 || room.f_blocks == 0 || stat(path.c_str(), &entry) != 0) return std::nullopt;
    const auto block = static_cast<double>(room.f_frsize);
    return FileSystem{.size_bytes = block * static_cast<double>(room.f_blocks),
                      .available_bytes = block * static_cast<double>(room.f_bavail),
                      .read_only = is_read_only(
                          proc, std::to_string(major(entry.st_dev)) + ":" + std::to_string(minor(entry.st_dev)))};
}

}  // namespace medic::proc_read
