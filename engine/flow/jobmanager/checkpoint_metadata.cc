#include "engine/flow/jobmanager/checkpoint_metadata.h"

#include <filesystem>

#include <nlohmann/json.hpp>

#include "engine/flow/runtime/snapshot.h"

namespace medic::engine::flow {
namespace {

using json = nlohmann::json;
constexpr int format_version = 1;

}  // namespace

std::string checkpoint_folder(std::string path) {
    if (path.starts_with("file://"))
        path.erase(0, 7);
    else if (path.starts_with("file:"))
        path.erase(0, 5);
    constexpr std::string_view file = "/_metadata";
    if (path.ends_with(file)) path.resize(path.size() - file.size());
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    return path;
}

Status write_metadata(const std::string& folder, const CheckpointMetadata& metadata) {
    json operators = json::array(), files = json::array();
    for (const SavedOperator& op : metadata.operators)
        operators.push_back(
            {{"uid", op.uid}, {"name", op.name}, {"state_version", op.state_version}, {"stateful", op.stateful}});
    for (const SavedFile& file : metadata.files) files.push_back({{"name", file.name}, {"uids", file.uids}});
    const json out = {{"schema", format_version},
                      {"checkpoint_id", metadata.checkpoint_id},
                      {"completed_unix_ms", metadata.completed_unix_ms},
                      {"is_savepoint", metadata.is_savepoint},
                      {"job_id", metadata.job_id},
                      {"job_name", metadata.job_name},
                      {"max_parallelism", metadata.max_parallelism},
                      {"operators", operators},
                      {"files", files}};
    return write_durably(folder + "/_metadata", out.dump(-1, ' ', false, json::error_handler_t::replace));
}

Result<CheckpointMetadata> read_metadata(const std::string& path) {
    const std::string folder = checkpoint_folder(path);
    std::error_code ignored;  // What can't be looked at is as good as not there.
    if (!std::filesystem::exists(folder, ignored))
        return fail(ErrorCode::unavailable,
                    "java.io.FileNotFoundException: Cannot find checkpoint or savepoint file/directory '{}' on file "
                    "system 'file'.",
                    path);
    if (!std::filesystem::exists(folder + "/_metadata", ignored))
        return fail(ErrorCode::unavailable,
                    "java.io.FileNotFoundException: Cannot find meta data file '_metadata' in directory '{}'. Please "
                    "try to load the checkpoint/savepoint directly from the metadata file instead of the directory.",
                    path);
    MEDIC_TRY(const std::string text, read_file(folder + "/_metadata"));
    try {
        const json in = json::parse(text);
        if (in.at("schema").get<int>() != format_version)
            return fail(ErrorCode::invalid, "{}: written in format {}, this engine reads format {}", path,
                        in.at("schema").get<int>(), format_version);
        CheckpointMetadata out;
        out.checkpoint_id = in.at("checkpoint_id").get<std::int64_t>();
        out.completed_unix_ms = in.at("completed_unix_ms").get<std::int64_t>();
        out.is_savepoint = in.at("is_savepoint").get<bool>();
        out.job_id = in.at("job_id").get<std::string>();
        out.job_name = in.at("job_name").get<std::string>();
        out.max_parallelism = in.at("max_parallelism").get<int>();
        for (const json& op : in.at("operators"))
            out.operators.push_back({op.at("uid").get<std::string>(), op.at("name").get<std::string>(),
                                     op.at("state_version").get<int>(), op.at("stateful").get<bool>()});
        for (const json& file : in.at("files"))
            out.files.push_back({file.at("name").get<std::string>(), file.at("uids").get<std::set<std::string>>()});
        return out;
    } catch (const json::exception& error) {
        return fail(ErrorCode::invalid, "{}/_metadata: {}", folder, error.what());
    }
}

Status check_restorable(const CheckpointMetadata& metadata, const std::string& path, const JobGraph& graph,
                        NonRestored state) {
    if (metadata.max_parallelism != graph.max_parallelism)
        return fail(ErrorCode::invalid,
                    "java.lang.IllegalStateException: Failed to rollback to checkpoint/savepoint {}. Max parallelism "
                    "mismatch between checkpoint/savepoint state and new program. "
                    "Cannot map state with max parallelism {} to new program with max parallelism {}. This indicates "
                    "that the program has been changed in a non-compatible way after the checkpoint/savepoint.",
                    path, metadata.max_parallelism, graph.max_parallelism);
    std::map<std::string, const GraphOperator*> known;
    for (const GraphVertex& vertex : graph.vertices)
        for (const GraphOperator& op : vertex.operators) known[op.uid] = &op;
    for (const SavedOperator& saved : metadata.operators) {
        if (!saved.stateful) continue;
        const auto found = known.find(saved.uid);
        if (found == known.end()) {
            if (state == NonRestored::allow) continue;
            return fail(ErrorCode::invalid,
                        "java.lang.IllegalStateException: Failed to rollback to checkpoint/savepoint {}. Cannot map "
                        "checkpoint/savepoint state for operator {} (uid '{}') to the new program, "
                        "because the operator is not available in the new program. If you want to allow to skip this, "
                        "you can set the --allowNonRestoredState option on the CLI.",
                        path, hash_id(saved.uid), saved.uid);
        }
        if (found->second->state_version != saved.state_version)
            return fail(ErrorCode::invalid,
                        "org.apache.flink.util.StateMigrationException: Failed to rollback to checkpoint/savepoint {}. "
                        "The new state serializer of operator '{}' (uid '{}', state version {}) "
                        "must not be incompatible with the old state serializer (state version {}).",
                        path, found->second->name, saved.uid, found->second->state_version, saved.state_version);
    }
    return {};
}

}  // namespace medic::engine::flow
