"""When jobs are stopped, by which code, and what the journal records first.

==========================  ==============================================================  ==========================
when                        who, in which module                                            what the journal says
                                                                                            first
==========================  ==============================================================  ==========================
Airflow kills the task in   ``operators.attempt.StepAttempts.on_kill``,                     nothing;
a worker (cleared, marked,  ``execution.engine.stop_current``                               ``STOP_REQUESTED`` after
timed out there)                                                                            AWS was asked
Airflow ends the task's     ``triggers.step.StepTrigger.on_kill``,                          ``STOP_REQUESTED``, where
trigger                     ``runtime.stopping.in_trigger.EndedTrigger.stop_job``           Airflow answers in time
a deferred task exceeds     ``operators.attempt.StepAttempts.resume_execution``,            ``STOP_REQUESTED``
its ``execution_timeout``   ``runtime.stopping.on_timeout.stop_overdue``
the task is killed while a  ``runtime.worker_attempt.WorkerAttempt.submit``                 ``RUNNING``
worker submits the job
AWS refuses to let the job  ``execution.engine.follow``                                     nothing
be watched
the last attempt of the     ``runtime.stopping.on_final_failure.nothing_left_running``      nothing
task fails
the pipeline's run ends     ``triggers.status.StatusTrigger.run`` or                        nothing
                            ``operators.status.PipelineStatusOperator.execute``,
                            ``runtime.stopping.jobs.stop_left_running``
steps without a pipeline    ``operators.stop_jobs.StopRunningJobsOperator.execute``,        nothing
have ended                  ``runtime.stopping.jobs.stop_left_running``
a cleared step begins       ``execution.submit.stop_and_wait``,                             nothing; ``SUBMITTING``
again while its earlier     ``execution.submit.next_start``                                 for the next job
job runs
==========================  ==============================================================  ==========================

The first five stop one job, which this attempt created.  The next three look for jobs that were not stopped: by the
run's id in their names and tags (``execution.stop_leftovers.stop_leftovers``), and by the journal if a service has no
names.  A job that was just submitted may become visible late, so its stop waits for that
(``execution.engine.stop_when_visible``).

A killed worker calls AWS before it writes to the journal: Airflow ends its process some seconds later, and may not
respond at all.  A trigger writes first: the next attempt may start elsewhere at any moment, and must create another job
instead of continuing with one that is being stopped.
"""
