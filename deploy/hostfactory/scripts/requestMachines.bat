@echo off
rem requestMachines.bat -f FILE: requests machines from a template.
rem Called by IBM Spectrum Symphony Host Factory with a JSON file. Prints one JSON object and exits with 0, or prints
rem {"message": ...} and exits with 1. Nothing but the program is started.
rem
rem The program is the one that OHFP_COMMAND names, else ohfp.exe in ..\bin beside this script, else ohfp.exe in PATH.

setlocal DisableDelayedExpansion
set "program=%OHFP_COMMAND%"
if not defined program if exist "%~dp0..\bin\ohfp.exe" set "program=%~dp0..\bin\ohfp.exe"
if not defined program for %%p in (ohfp.exe) do set "program=%%~$PATH:p"
if not defined program goto missing
"%program%" requestMachines %*
if %ERRORLEVEL% equ 9009 goto missing
exit /b %ERRORLEVEL%

:missing
set "message=the program ohfp was not found; install it in bin beside the scripts directory or in PATH, or name it in OHFP_COMMAND"
echo {"message":"%message%"}
>&2 echo %message%
exit /b 1
