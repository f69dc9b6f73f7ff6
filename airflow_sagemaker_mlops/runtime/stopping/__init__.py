"""Who stops a job, when, and what the journal says first.

====================================  ======================================================  =========================
when                                  who                                                     written first
====================================  ======================================================  =========================
Airflow kills the task in a worker    ``StepOperator.on_kill`` in ``operators.base``, through  nothing: AWS first, then
(cleared, marked, timed out there)    ``WorkerAttempt.stop`` and ``engine.stop_current``       ``STOP_REQUESTED``
Airflow ends the task's trigger       ``StepTrigger.on_kill`` in ``triggers.step``, through    ``STOP_REQUESTED``, where
                                      ``in_trigger.EndedTrigger.stop_job``                     Airflow answers in time
a deferred task exceeds its           ``StepOperator.resume_execution``, through               ``STOP_REQUESTED``
``execution_timeout``                 ``on_timeout.stop_overdue``
the task is killed while a worker     ``WorkerAttempt.submit``                                 ``RUNNING``
submits the job
the service refuses to let the job    ``engine.follow`` in ``execution``                       nothing
be watched
the last attempt of the task fails    ``on_final_failure.nothing_left_running``                nothing
the pipeline's run ends               ``StatusTrigger.run`` in ``triggers.status``, or         nothing
                                      ``PipelineStatusOperator.execute`` in
                                      ``operators.status``; both ``jobs.stop_left_running``
steps without a pipeline have ended   ``StopRunningJobsOperator.execute`` in                   nothing
                                      ``operators.stop_jobs``; ``jobs.stop_left_running``
a cleared step begins again, and its  ``submit.stop_and_wait`` and ``submit.next_start`` in    nothing; then
earlier job still runs                ``execution``                                            ``SUBMITTING`` for the
                                                                                               next job
====================================  ======================================================  =========================

The first five stop one job, which this attempt made.  The three after them look for jobs that nobody stopped, by the
run's id in their names and tags (``execution.stop_leftovers``), and by the journal where a service has no names.  A job
that was just submitted becomes visible late: whoever stops one waits for that (``engine.stop_when_visible``).

A worker that is killed asks AWS before it writes: Airflow ends its process some seconds later, and may not answer at
all.  A trigger writes first: the next attempt may begin elsewhere at any moment, and must make another job instead of
going on with one that is being stopped.
"""
