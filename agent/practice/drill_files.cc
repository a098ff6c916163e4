#include "agent/practice/drill_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "agent/api/json_internal.h"
#include "agent/base/foreign_json_internal.h"

namespace medic::practice {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t file_bytes_max = 1 << 20;

std::string undo_path(const std::string& data_dir) { return drills_folder(data_dir) + "/undo.json"; }

Status flush(const std::string& path, int flags) {
    const int file = open(path.c_str(), flags | O_CLOEXEC);
    if (file < 0) return fail(ErrorCode::unavailable, "{}: {}", path, std::strerror(errno));
    const bool flushed = fsync(file) == 0;
    const int error = errno;
    close(file);
    if (!flushed) return fail(ErrorCode::unavailable, "{}: can't be flushed: {}", path, std::strerror(error));
    return {};
}

// Whole or not at all: beside it first, then in its place.
Status write_durably(const std::string& path, const std::string& text) {
    const fs::path folder = fs::path(path).parent_path();
    std::error_code error;
    fs::create_directories(folder, error);
    const std::string beside = path + ".new";
    {
        std::ofstream out(beside, std::ios::binary | std::ios::trunc);
        out << text;
        out.close();
        if (!out) return fail(ErrorCode::unavailable, "{}: can't be written: {}", beside, std::strerror(errno));
    }
    MEDIC_CHECK(flush(beside, O_RDONLY));
    fs::rename(beside, path, error);
    if (error) return fail(ErrorCode::unavailable, "{}: {}", path, error.message());
    return flush(folder.string(), O_RDONLY | O_DIRECTORY);
}

// nullopt: not there. A file that is there and can't be read is no absence.
Result<std::optional<std::string>> read_file(const std::string& path) {
    std::error_code error;
    const auto status = fs::status(path, error);
    if (status.type() == fs::file_type::not_found) return std::optional<std::string>();
    if (error) return fail(ErrorCode::invalid, "{}: {}", path, error.message());
    std::ifstream in(path, std::ios::binary);
    if (!in) return fail(ErrorCode::invalid, "{}: can't be read: {}", path, std::strerror(errno));
    std::stringstream text;
    text << in.rdbuf();
    std::string whole = text.str();
    if (whole.size() > file_bytes_max) return fail(ErrorCode::invalid, "{}: more than {} bytes", path, file_bytes_max);
    return std::optional(std::move(whole));
}

std::vector<std::string> names(const Json& object, const char* key) {
    std::vector<std::string> all;
    const auto found = object.find(key);
    if (found == object.end() || !found->is_array()) return all;
    for (const Json& one : *found)
        if (one.is_string()) all.push_back(one.get<std::string>());
    return all;
}

// The results' files, oldest first: their names begin with the time.
std::vector<fs::path> result_files(const std::string& data_dir) {
    std::vector<fs::path> all;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(drills_folder(data_dir), error)) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with("D-") && name.ends_with(".json")) all.push_back(entry.path());
    }
    std::ranges::sort(all);
    return all;
}

std::optional<PastDrill> past_drill(const fs::path& path) {
    const auto text = read_file(path.string());
    if (!text || !*text) return std::nullopt;
    const Json body = foreign_json(**text);
    const Json drill = body.is_object() ? body.value("drill", Json::object()) : Json::object();
    if (text_of(drill, "id").empty()) return std::nullopt;
    PastDrill past{.id = text_of(drill, "id"),
                   .fault = text_of(drill, "fault"),
                   .node = text_of(drill, "node"),
                   .cluster = text_of(drill, "cluster"),
                   .outcome = text_of(drill, "outcome"),
                   .passed = false,
                   .at = {},
                   .incidents = names(drill, "incidents")};
    if (const auto passed = drill.find("passed"); passed != drill.end() && passed->is_boolean())
        past.passed = passed->get<bool>();
    if (const auto at = drill.find("at_ms"); at != drill.end() && at->is_number_integer())
        past.at = {at->get<std::int64_t>()};
    return past;
}

}  // namespace

std::string drills_folder(const std::string& data_dir) { return data_dir + "/drills"; }

std::string encode(const UndoRecord& of) {
    return dump({{"schema", 1},
                 {"id", of.id},
                 {"fault", of.fault},
                 {"cluster", of.cluster},
                 {"node", of.node},
                 {"by", of.by},
                 {"at_ms", of.at.unix_ms},
                 {"newest_incident", of.newest_incident},
                 {"spares_before", of.spares_before},
                 {"pid", of.pid},
                 {"start_time", of.start_time}});
}

Result<UndoRecord> decode_undo(std::string_view text, const std::string& path) {
    const Json body = foreign_json(text);
    const auto bad = [&](const char* what) {
        return fail(ErrorCode::invalid,
                    "{}: {}; a drill was left to be undone, and what it did can't be read: look at the nodes, then "
                    "remove the file",
                    path, what);
    };
    if (!body.is_object() || body.value("schema", Json(0)) != Json(1)) return bad("not of schema 1");
    UndoRecord record{.id = text_of(body, "id"),
                      .fault = text_of(body, "fault"),
                      .cluster = text_of(body, "cluster"),
                      .node = text_of(body, "node"),
                      .by = text_of(body, "by"),
                      .at = {},
                      .newest_incident = 0,
                      .spares_before = names(body, "spares_before"),
                      .pid = 0,
                      .start_time = 0};
    if (record.id.empty() || record.fault.empty() || record.cluster.empty() || record.node.empty())
        return bad("`id`, `fault`, `cluster` or `node` is missing");
    const Json at = body.value("at_ms", Json()), newest = body.value("newest_incident", Json()),
               pid = body.value("pid", Json()), start = body.value("start_time", Json());
    if (!at.is_number_integer() || !newest.is_number_integer() || !pid.is_number_integer() || !start.is_number())
        return bad("`at_ms`, `newest_incident`, `pid` or `start_time` is no number");
    record.at = {at.get<std::int64_t>()};
    record.newest_incident = newest.get<int>();
    record.pid = pid.get<int>();
    record.start_time = start.get<double>();
    return record;
}

Status keep_undo(const std::string& data_dir, const UndoRecord& record) {
    return write_durably(undo_path(data_dir), encode(record));
}

Result<std::optional<UndoRecord>> find_undo(const std::string& data_dir) {
    MEDIC_TRY(const auto text, read_file(undo_path(data_dir)));
    if (!text) return std::optional<UndoRecord>();
    MEDIC_TRY(UndoRecord record, decode_undo(*text, undo_path(data_dir)));
    return std::optional(std::move(record));
}

Status drop_undo(const std::string& data_dir) {
    std::error_code error;
    if (!fs::remove(undo_path(data_dir), error) && !error) return {};
    if (error) return fail(ErrorCode::unavailable, "{}: {}", undo_path(data_dir), error.message());
    return flush(drills_folder(data_dir), O_RDONLY | O_DIRECTORY);
}

std::string left_to_undo(const std::string& data_dir, const std::string& config_path) {
    const auto left = find_undo(data_dir);
    if (!left) return left.error().message;
    if (!*left) return "";
    const UndoRecord& record = **left;
    return fmt::format(
        "drill {} ({} on {} of {}, by {}) is running or was left to be undone: `medic drill --undo "
        "--config {}`",
        record.id, record.fault, record.node, record.cluster, record.by, config_path);
}

Status keep_result(const std::string& data_dir, const std::string& id, const std::string& document) {
    MEDIC_CHECK(write_durably(drills_folder(data_dir) + "/" + id + ".json", document));
    std::vector<fs::path> all = result_files(data_dir);
    std::error_code ignored;
    for (std::size_t i = 0; i + results_max < all.size(); ++i) fs::remove(all[i], ignored);
    return {};
}

std::vector<PastDrill> past_drills(const std::string& data_dir) {
    std::vector<PastDrill> all;
    for (const fs::path& path : result_files(data_dir))
        if (auto past = past_drill(path)) all.push_back(*std::move(past));
    return all;
}

}  // namespace medic::practice
