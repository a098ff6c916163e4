#include "engine/common/throw_trace.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <execinfo.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <typeinfo>

#include "engine/common/symbols.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEDIC_THROW_HOOK 0
#else
#define MEDIC_THROW_HOOK 1
#endif

namespace {

constexpr int frames_max = 32;
// Trivial types only: the hook may run while a thread is being set up or torn down.
thread_local void* latest_frames[frames_max];
thread_local int latest_frame_count = 0;

}  // namespace

#if MEDIC_THROW_HOOK
#ifdef __clang__
using ThrownType = std::type_info;
#else
using ThrownType = void;  // g++ declares the function itself, with this type.
#endif

// Every throw expression calls this function of the C++ ABI; ours notes the back trace and goes on to the library's.
extern "C" void __cxa_throw(void* object, ThrownType* type, void (*destructor)(void*)) {
    using Throw = void (*)(void*, ThrownType*, void (*)(void*));
    static const Throw real = reinterpret_cast<Throw>(dlsym(RTLD_NEXT, "__cxa_throw"));
    latest_frame_count = backtrace(latest_frames, frames_max);
    real(object, type, destructor);
    std::abort();
}
#endif

namespace medic::engine {

std::vector<std::string> latest_throw_frames() {
    std::vector<std::string> frames;
    for (int i = 1; i < latest_frame_count; ++i) {  // Frame 0 is the hook itself.
        // The return address of a call that never returns may be the next function's first byte.
        const void* call = static_cast<const char*>(latest_frames[i]) - 1;
        if (std::string frame = name_frame(call); !frame.empty()) frames.push_back(std::move(frame));
    }
    return frames;
}

std::string describe_current_exception() {
    std::string text;
    try {
        // Not a throw expression: the noted back trace stays that of the original throw.
        std::rethrow_exception(std::current_exception());
    } catch (const NamedException& error) {
        text = error.class_name() + ": " + error.what();
    } catch (const std::exception& error) {
        text = demangle(typeid(error).name()) + ": " + error.what();
    } catch (...) {
        const std::type_info* type = abi::__cxa_current_exception_type();
        text = type ? demangle(type->name()) : "unknown exception";
    }
    text += '\n';
    for (const auto& frame : latest_throw_frames()) text += "\tat " + frame + "\n";
    return text;
}

}  // namespace medic::engine
