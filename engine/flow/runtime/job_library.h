// A job's artifact: a shared object that was compiled against api/flow.h.
#pragma once

#include <memory>
#include <string>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "engine/flow/runtime/job_graph.h"

namespace medic::engine::flow {

struct JobProgram {
    std::string artifact;     // Path of the shared object.
    std::string entry_class;  // Name of the entry function; "" = medic_flow_job.
    std::vector<std::string> arguments;
    GraphOptions options;
};

// The loaded artifact with its nodes. The shared object stays loaded as long as this lives.
class JobLibrary {
public:
    // Errors: invalid (not loadable, built against another API version, its entry function threw).
    [[nodiscard]] static Result<std::shared_ptr<JobLibrary>> load(const JobProgram& program);
    // A job that is compiled into this program: for tests.
    [[nodiscard]] static Result<std::shared_ptr<JobLibrary>> of(std::unique_ptr<Environment> environment,
                                                                const GraphOptions& options);
    JobLibrary(const JobLibrary&) = delete;
    JobLibrary& operator=(const JobLibrary&) = delete;
    ~JobLibrary();

    [[nodiscard]] const Environment& environment() const { return *environment_; }
    [[nodiscard]] const JobGraph& graph() const { return graph_; }

private:
    JobLibrary() = default;
    void* handle_ = nullptr;
    std::unique_ptr<Environment> environment_;
    JobGraph graph_;
};

// Loads the artifact in a process of its own, so that its code cannot take the job manager down, and returns its graph.
// `executable` is called with `jobmanager --describe REQUEST`, and killed when it takes longer than `patience`. Errors:
// invalid (with what the artifact said), unavailable.
[[nodiscard]] Result<JobGraph> describe(const JobProgram& program, const std::string& executable,
                                        Duration patience = Duration{30'000});

// The other side of describe(): prints the graph, or an error. Returns the exit code.
int run_describe(const std::string& request);

[[nodiscard]] Parameters parse_arguments(const std::vector<std::string>& arguments);

}  // namespace medic::engine::flow
