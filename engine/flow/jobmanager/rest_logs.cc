// Log files over REST: lists and whole files, as Flink hands them out; no ranges. A task manager has told where its log
// is. Flink has it sent; here all processes of a lab share a disk, so it is read where it lies.
#include <sys/stat.h>

#include <filesystem>

#include "engine/common/files.h"
#include "engine/common/log.h"
#include "engine/flow/jobmanager/rest_internal.h"

namespace medic::engine::flow {
namespace {

namespace fs = std::filesystem;
using json = nlohmann::json;

json listed(const std::string& file) {
    struct stat status = {};
    if (file.empty() || stat(file.c_str(), &status) != 0) return {{"logs", json::array()}};
    constexpr std::int64_t second_ms = 1000, ms_ns = 1'000'000;
    return {{"logs",
             {{{"name", fs::path(file).filename().string()},
               {"size", status.st_size},
               {"mtime", status.st_mtim.tv_sec * second_ms + status.st_mtim.tv_nsec / ms_ns}}}}};
}

}  // namespace

std::optional<std::string> Rest::log_of(const std::vector<std::string>& path) {
    if (path.empty()) return std::nullopt;
    const bool manager = path[0] == "taskmanagers";
    const std::size_t from = manager ? 2 : 1;
    if ((!manager && path[0] != "jobmanager") || path.size() <= from || path.size() > from + 2) return std::nullopt;
    const bool one = path.size() == from + 1 && path[from] == "log";
    if (!one && path[from] != "logs") return std::nullopt;
    std::string file = log_file_of_this_process();
    if (manager) {
        const JobManager::Lock lock(manager_.mutex_);
        const auto found = manager_.task_managers_.find(path[1]);
        if (found == manager_.task_managers_.end())
            throw Refusal{
                404,
                "org.apache.flink.runtime.rest.handler.RestHandlerException: Could not find TaskExecutor " + path[1]};
        file = found->second.log_file;
    }
    if (!one && path.size() == from + 1) return listed(file).dump();
    const bool known = !file.empty() && (one || path.back() == fs::path(file).filename());
    const auto text = known ? read_file_if_there(file) : Result<std::optional<std::string>>{};
    if (!text) throw Refusal{500, text.error().message};
    if (!*text) throw Refusal{404, "This file does not exist in JobManager log dir."};
    return **text;
}

}  // namespace medic::engine::flow
