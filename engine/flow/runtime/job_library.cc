#include "engine/flow/runtime/job_library.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

#include <nlohmann/json.hpp>

#include "engine/common/process.h"

namespace medic::engine::flow {
namespace {

using json = nlohmann::json;
constexpr std::size_t description_bytes_max = 4 << 20;

using Entry = void (*)(Environment&, const Parameters&);

Result<std::string> read_to_end(int fd, Duration patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    std::string text;
    char buffer[16384];
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        pollfd readable{fd, POLLIN, 0};
        const int ready = ::poll(&readable, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
        if (ready < 0 && errno == EINTR) continue;
        if (ready == 0)
            return fail(ErrorCode::invalid, "the main function did not return within {} s",
                        std::chrono::duration<double>(patience).count());
        const ssize_t got = ::read(fd, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return text;
        text.append(buffer, static_cast<std::size_t>(got));
        if (text.size() > description_bytes_max)
            return fail(ErrorCode::invalid, "the artifact's description is larger than {} bytes",
                        description_bytes_max);
    }
}

}  // namespace

Result<std::shared_ptr<JobLibrary>> JobLibrary::load(const JobProgram& program) {
    std::shared_ptr<JobLibrary> library(new JobLibrary());
    library->handle_ = dlopen(program.artifact.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library->handle_ == nullptr) return fail(ErrorCode::invalid, "cannot load the artifact: {}", dlerror());
    auto* version = reinterpret_cast<int (*)()>(dlsym(library->handle_, "medic_flow_api_version"));
    const std::string name = program.entry_class.empty() ? "medic_flow_job" : program.entry_class;
    auto* entry = reinterpret_cast<Entry>(dlsym(library->handle_, name.c_str()));
    if (version == nullptr)
        return fail(ErrorCode::invalid, "{}: not a job: it has no medic_flow_api_version", program.artifact);
    if (version() != api_version)
        return fail(ErrorCode::invalid, "{}: built for API version {}, this engine has {}", program.artifact, version(),
                    api_version);
    if (entry == nullptr) return fail(ErrorCode::invalid, "{}: no entry function '{}'", program.artifact, name);
    library->environment_ = std::make_unique<Environment>();
    try {
        entry(*library->environment_, parse_arguments(program.arguments));
    } catch (const std::exception& error) {
        return fail(ErrorCode::invalid, "The main method caused an error: {}", error.what());
    }
    MEDIC_TRY(library->graph_, build_graph(*library->environment_, program.options));
    return library;
}

Result<std::shared_ptr<JobLibrary>> JobLibrary::of(std::unique_ptr<Environment> environment,
                                                   const GraphOptions& options) {
    std::shared_ptr<JobLibrary> library(new JobLibrary());
    library->environment_ = std::move(environment);
    MEDIC_TRY(library->graph_, build_graph(*library->environment_, options));
    return library;
}

JobLibrary::~JobLibrary() {
    environment_.reset();  // Its functions live in the shared object.
    if (handle_ != nullptr) dlclose(handle_);
}

Parameters parse_arguments(const std::vector<std::string>& arguments) {
    std::map<std::string, std::string> values;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (!arguments[i].starts_with("--")) continue;
        const std::string key = arguments[i].substr(2);
        const bool has_value = i + 1 < arguments.size() && !arguments[i + 1].starts_with("--");
        values[key] = has_value ? arguments[++i] : "true";
    }
    return Parameters(std::move(values));
}

Result<JobGraph> describe(const JobProgram& program, const std::string& executable, Duration patience) {
    const json request = {{"artifact", program.artifact},
                          {"entry_class", program.entry_class},
                          {"arguments", program.arguments},
                          {"parallelism", program.options.parallelism},
                          {"settings", program.options.settings}};
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail(ErrorCode::unavailable, "pipe: {}", strerror(errno));
    ProcessSpec spec;
    spec.argv = {executable, "jobmanager", "--describe", request.dump(-1, ' ', false, json::error_handler_t::replace)};
    spec.fds = {{ends[1], 3}};
    const auto child = spawn(spec);
    ::close(ends[1]);
    if (!child) {
        ::close(ends[0]);
        return std::unexpected(child.error());
    }
    auto text = read_to_end(ends[0], patience);
    ::close(ends[0]);
    (void)send_signal(*child, SIGKILL);  // It has said all, or never will.
    (void)wait_gone(*child, patience);
    if (!text) return std::unexpected(text.error());
    const json answer = json::parse(*text, nullptr, false);
    if (answer.is_discarded())
        return fail(ErrorCode::invalid, "the artifact's main function crashed while the job was being described");
    if (answer.contains("error")) return fail(ErrorCode::invalid, "{}", answer["error"].get<std::string>());
    return graph_from_json(*text);
}

int run_describe(const std::string& request) {
    const json in = json::parse(request, nullptr, false);
    if (in.is_discarded()) return 64;
    JobProgram program{in.at("artifact").get<std::string>(),
                       in.at("entry_class").get<std::string>(),
                       in.at("arguments").get<std::vector<std::string>>(),
                       {in.at("parallelism").get<int>(), in.at("settings").get<std::map<std::string, std::string>>()}};
    const auto library = JobLibrary::load(program);
    const std::string answer =
        library ? to_json((*library)->graph())
                : json{{"error", library.error().message}}.dump(-1, ' ', false, json::error_handler_t::replace);
    for (std::string_view left = answer; !left.empty();) {
        const ssize_t written = ::write(3, left.data(), left.size());
        if (written < 0 && errno != EINTR) return 1;
        if (written > 0) left.remove_prefix(static_cast<std::size_t>(written));
    }
    return library ? 0 : 1;
}

}  // namespace medic::engine::flow
