# medic_flow_job(NAME <name> SOURCES <files…>): a job for the flow engine, build/jobs/<name>.so.
#
# -fno-gnu-unique: two versions of a job loaded by one task manager must not share their inline variables.
# -fnon-call-exceptions: a null dereference becomes an exception that unwinds through the job's code (runtime/crash.h).
function(medic_flow_job)
  cmake_parse_arguments(JOB "" "NAME" "SOURCES" ${ARGN})
  add_library(${JOB_NAME} MODULE ${JOB_SOURCES})
  target_include_directories(${JOB_NAME} PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_options(${JOB_NAME} PRIVATE -O2 -fnon-call-exceptions -fasynchronous-unwind-tables
                         $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>)
  set_target_properties(${JOB_NAME} PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/jobs)
endfunction()
